"""Files of this computer, and what the operating system says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from securemail.errors import SecureMailError


class LocalError(SecureMailError):
    """A file of this computer cannot be read or written, and the operating system says why."""


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
