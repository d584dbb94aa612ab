"""What can go wrong with accounts on disk. No I/O here."""

from __future__ import annotations

from enum import Enum

from securemail.errors import SecureMailError


class StoreReason(Enum):
    """Why the store did not do what was asked; nothing was changed then."""

    FORBIDDEN = "not allowed"
    """The file or its directory may not be read or written by this user."""
    UNSAFE = "not safe"
    """A link, no file at all, or one that other users of the computer can read or change."""
    NOT_OURS = "not a file of accounts"
    """Something else is there; it was left alone."""
    NEWER = "written by a newer version"
    """A later securemail has changed the file in a way that this one does not know."""
    DAMAGED = "damaged"
    """What is there was written by no securemail, or not all of it is left."""
    FULL = "no space left"
    """The disk, or the user's share of it, is full."""
    BUSY = "in use"
    """Another program has kept the file for longer than `busy_s`; try again."""
    CHANGED = "changed meanwhile"
    """Somebody else was quicker: get it again, and decide on what is there now."""
    NOT_FOUND = "not there"
    """There is no such account, or it was removed."""
    UNREACHABLE = "cannot be read or written"
    """The operating system says so, for another reason than those above."""
    KEYRING = "the keyring failed"
    """It is locked, missing, not safe, or does not have the secret."""


class StoreError(SecureMailError):
    """Accounts could not be read or written; `reason` says why. Nothing was changed."""

    def __init__(self, message: str, *, reason: StoreReason) -> None:
        self.reason = reason
        super().__init__(f"{message}: {reason.value}")
