"""Which error ends the command with which code."""

from __future__ import annotations

from typing import Final

from securemail.cli.codes import Exit
from securemail.cli.local import LocalError
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


def exit_of(error: SecureMailError) -> Exit:
    """Return how the command ends with `error`."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.NOT_PRIVATE)
