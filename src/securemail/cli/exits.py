"""Which error ends the command with which code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from securemail.cli.codes import Exit
from securemail.errors import (
    AuthenticationError,
    CommandError,
    ConfirmationRequired,
    ConnectError,
    DeadlineError,
    DiscoveryError,
    SecureMailError,
    SubmissionError,
    UnknownOutcome,
    UsageError,
)
from securemail.store.errors import StoreError


class LocalError(SecureMailError):
    """A file of this computer cannot be read or written, and the operating system says why."""


# The first that fits. What is not listed is a server that is not what it should be.
_EXITS: Final[tuple[tuple[type[SecureMailError], Exit], ...]] = (
    (UsageError, Exit.USAGE),
    (AuthenticationError, Exit.LOGIN),
    (ConfirmationRequired, Exit.CONFIRM),
    (SubmissionError, Exit.NOT_SENT),
    (UnknownOutcome, Exit.UNKNOWN),
    (ConnectError, Exit.UNREACHABLE),
    (DeadlineError, Exit.UNREACHABLE),
    (DiscoveryError, Exit.UNREACHABLE),
    (StoreError, Exit.LOCAL),
    (LocalError, Exit.LOCAL),
    (CommandError, Exit.REFUSED),
)


__all__ = ["EXIT_CODES", "Exit", "LocalError", "exit_of", "local"]

EXIT_CODES: Final = (
    "Exit codes: 0 fine, 1 not private, 2 wrong usage, 3 no answer, 4 login refused, "
    "5 a host must be confirmed, 6 not sent, 7 unknown whether sent, 8 a file or the keyring "
    "failed, 9 refused by the server, 130 interrupted."
)


def exit_of(error: SecureMailError) -> Exit:
    """Return how the command ends with `error`."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.NOT_PRIVATE)


@contextmanager
def local(path: Path) -> Iterator[None]:
    """Say of a file of this computer why it cannot be read or written.

    Raises: LocalError.
    """
    try:
        yield
    except SecureMailError:
        raise  # some are OSErrors, too: of the network
    except OSError as exc:
        raise LocalError(f"{path}: {exc.strerror or type(exc).__name__}") from exc
