"""What a watch tells. No I/O here.

Each event has the cursor after it: a program that stores it with what it has done about the event
misses nothing and hears of nothing twice, whenever it is killed.
"""

from __future__ import annotations

from dataclasses import dataclass

from securemail.errors import SecureMailError
from securemail.policy.confidentiality import Confidentiality
from securemail.uids import UIDSet
from securemail.watching.cursor import Cursor, MaildropCursor


@dataclass(frozen=True, slots=True)
class Connected:
    """A session is up, and what has happened meanwhile comes next.

    `is_pushed` tells whether the server says at once what happens; otherwise it is asked from time
    to time.
    """

    cursor: Cursor | MaildropCursor
    confidentiality: Confidentiality
    is_pushed: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no session: it ended, or could not be made, because of `error`.

    The next try is in `retry_s` seconds. What happens until then is announced after it. There is no
    cursor as long as no session has ever been up. Where one of several mailboxes cannot be opened
    for now, it is told of that one, and the session goes on.
    """

    cursor: Cursor | MaildropCursor | None
    error: SecureMailError
    retry_s: float


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """Messages are new or expunged, or have other flags; sets of UIDs, disjoint.

    One event for all three, since one number (MODSEQ) stands for all of them in the cursor. With
    QRESYNC all of it is exact. Without it, flags that change while nobody watches are announced
    only where the server has CONDSTORE, and then for some messages that were new before, too.
    """

    cursor: Cursor
    new: UIDSet
    expunged: UIDSet
    flags: UIDSet


@dataclass(frozen=True, slots=True)
class MaildropChanged:
    """Messages are new in a POP3 mailbox: their unique ids, in the server's order."""

    cursor: MaildropCursor
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UIDValidityChanged:
    """All UIDs from before are void: list the mailbox anew (RFC 3501 section 2.3.1.1).

    Messages below `cursor.uidnext` are in that list, and are not announced.
    """

    cursor: Cursor
    before: int


@dataclass(frozen=True, slots=True)
class ConfidentialityChanged:
    """The new session proved something else than the one before; both meet the account's policy."""

    cursor: Cursor | MaildropCursor
    before: Confidentiality
    after: Confidentiality


WatchEvent = (
    Connected
    | Lost
    | MailboxChanged
    | MaildropChanged
    | UIDValidityChanged
    | ConfidentialityChanged
)
