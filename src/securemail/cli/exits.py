"""How the command ends, for scripts. The numbers are stable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Final

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


class Exit(IntEnum):
    """What came of it."""

    OK = 0
    """Done; for `check`: all of it is private."""
    NOT_PRIVATE = 1
    """The server is not trusted, or protects less than it should."""
    USAGE = 2
    """The command was not understood, or something that it names is wrong."""
    UNREACHABLE = 3
    """The DNS, the network or the server does not answer."""
    LOGIN = 4
    """The login was refused."""
    CONFIRM = 5
    """A person must confirm a host first."""
    NOT_SENT = 6
    """The message was refused, for some of its recipients or for all."""
    UNKNOWN = 7
    """Nobody knows whether the message was accepted."""
    LOCAL = 8
    """A file or the keyring of this computer cannot be read or written."""
    REFUSED = 9
    """The server refused what was asked, such as to open a mailbox."""
    INTERRUPTED = 130
    """Ctrl-C."""


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
