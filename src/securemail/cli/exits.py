"""How the command ends, for scripts. The numbers are stable. No I/O here."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from securemail.errors import (
    AuthenticationError,
    ConfirmationRequired,
    ConnectError,
    DeadlineError,
    DiscoveryError,
    SecureMailError,
    SubmissionError,
    UnknownOutcome,
    UsageError,
)


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
)


def exit_of(error: SecureMailError) -> Exit:
    """Return how the command ends with `error`."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.NOT_PRIVATE)
