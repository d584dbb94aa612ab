"""What a person can do about a failure of the command, in a sentence. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from securemail.cli.local import LocalError
from securemail.errors import (
    CommandError,
    ConfirmationRequired,
    SecureMailError,
    SubmissionError,
    UnknownOutcome,
    UsageError,
)
from securemail.setup.advice import advice_on
from securemail.store.errors import StoreError, StoreReason

_STORE: Final[Mapping[StoreReason, str]] = {
    StoreReason.UNSAFE: "If it is your file of accounts, make it yours alone: chmod 600 the file, "
    "chmod go-w its folder. If not, name another: --store FILE.",
    StoreReason.FORBIDDEN: "Look whose file it is, or name another: --store FILE.",
    StoreReason.NOT_OURS: "Name another file: --store FILE.",
    StoreReason.NEWER: "Use the newer securemail that has written it.",
    StoreReason.DAMAGED: "Take it from a backup, or name another: --store FILE.",
    StoreReason.BUSY: "Wait for the other program, and try again.",
    StoreReason.CHANGED: "Another program was quicker: look at it again.",
    StoreReason.KEYRING: "Unlock the keyring, or set SECUREMAIL_PASSWORD.",
}

_OWN: Final[tuple[tuple[type[SecureMailError], str], ...]] = (
    (UnknownOutcome, "Look whether it has arrived before you send it again."),
    (ConfirmationRequired, "Ask the provider for the names of its servers."),
    (UsageError, "Add --help to see how the command is used."),
    (CommandError, "The server's words say why."),
    (LocalError, "Nothing was lost: mend it, and try again."),
)


def advice_for(error: SecureMailError) -> str:
    """Return what a person can do about `error`."""
    if isinstance(error, StoreError):
        return _STORE.get(error.reason, "")
    if isinstance(error, SubmissionError):
        later = "The server says that it may work later." if error.is_temporary else ""
        return later or "Mend what the server names; nobody has got the message."
    own = (advice for kind, advice in _OWN if isinstance(error, kind))
    return next(own, None) or advice_on(error)
