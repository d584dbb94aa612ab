"""Errors that are raised more than once, each time as another instance."""

from __future__ import annotations

from securemail.errors import SecureMailError


def fresh(error: SecureMailError, message: str | None = None) -> SecureMailError:
    """Return an error like `error`, with the same cause, to be raised once.

    An instance raised again and again keeps the frames of all who caught it; and where one of those
    frames has the object that keeps the instance, neither goes before the collector comes.
    """
    # Not copy.copy(): it calls the class with `args` alone, and most of ours ask for more.
    twin = type(error).__new__(type(error))
    twin.args = error.args if message is None else (message,)
    vars(twin).update(vars(error))
    twin.__cause__ = error.__cause__
    return twin
