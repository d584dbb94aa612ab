"""From what a server says to what has changed since a cursor (RFC 3501, RFC 7162). No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from securemail import limits
from securemail.errors import ConnectError, ProtocolError
from securemail.uids import HIGHEST_UID, NO_UIDS, UIDSet
from securemail.watching.cursor import Cursor
from securemail.watching.events import MailboxChanged, UIDValidityChanged
from securemail.wire.mailbox import Bye, Code, Exists, Expunged, Fetched, Found, Item, Vanished

Change = MailboxChanged | UIDValidityChanged


@dataclass(slots=True)
class Heard:
    """What one answer said, added up."""

    codes: dict[str, int] = field(default_factory=dict)
    exists: int | None = None
    vanished: UIDSet = NO_UIDS
    found: UIDSet = NO_UIDS
    fetched: list[Fetched] = field(default_factory=list)

    @classmethod
    def of(cls, items: Iterable[Item]) -> Heard:
        """Add up `items`. Raises: ConnectError for a goodbye."""
        heard = cls()
        vanished: list[tuple[int, int]] = []
        for item in items:
            match item:
                case Code(name, value):
                    heard.codes[name] = value
                case Exists(count):
                    heard.exists = count
                case Vanished(uids):
                    vanished += uids.ranges
                case Found(uids):
                    heard.found |= uids
                case Fetched():
                    heard.fetched.append(item)
                case Bye(words):
                    raise ConnectError(f"the server said goodbye: {words}", phase="command")
        heard.vanished = UIDSet(vanished) or NO_UIDS
        return heard

    @property
    def uidvalidity(self) -> int:
        """The mailbox's UIDVALIDITY. Raises: ProtocolError where there is none."""
        if not (value := self.codes.get("UIDVALIDITY")):
            raise ProtocolError("the server does not say the mailbox's UIDVALIDITY")
        return value

    @property
    def modseq(self) -> int | None:
        """The mailbox's HIGHESTMODSEQ, None where it has none."""
        return self.codes.get("HIGHESTMODSEQ") or None

    @property
    def uids(self) -> UIDSet:
        """The messages that FETCH responses were about."""
        return UIDSet.of(each.uid for each in self.fetched if each.uid is not None)


def first_cursor(heard: Heard, known: UIDSet | None) -> Cursor:
    """Return the cursor of a mailbox that was opened, as of now: nothing is announced.

    `known` are its messages, None where QRESYNC makes them superfluous.
    """
    above = (known.highest if known else 0) + 1
    uidnext = max(heard.codes.get("UIDNEXT") or 1, above)
    return Cursor(heard.uidvalidity, uidnext, heard.modseq, kept(known))


def kept(known: UIDSet | None) -> UIDSet | None:
    """Return the messages for a cursor to keep, None where they are too scattered."""
    return known if known is not None and known.range_count <= limits.CURSOR_RANGES else None


def revalidated(cursor: Cursor, now: Cursor) -> UIDValidityChanged | None:
    """Return what to say when the UIDs of `cursor` are void, None where they are not."""
    if cursor.uidvalidity == now.uidvalidity:
        return None
    return UIDValidityChanged(now, cursor.uidvalidity)


def resynchronized(cursor: Cursor, heard: Heard) -> MailboxChanged | None:
    """Return what the answer to EXAMINE with QRESYNC says has changed, None for nothing.

    `uidnext` goes no further than what is announced: a server that counts a message before it shows
    it must not make us skip it.
    """
    touched = heard.uids - heard.vanished
    new = touched.within(cursor.uidnext)
    after = Cursor(
        cursor.uidvalidity,
        max(cursor.uidnext, new.highest + 1),
        max(cursor.modseq or 0, heard.modseq or 0) or None,
    )
    # RFC 7162 section 3.2.10: VANISHED may name messages that we have never heard of.
    expunged = heard.vanished.within(1, cursor.uidnext - 1)
    return _changed(after, new, expunged, touched.within(1, cursor.uidnext - 1))


def compared(cursor: Cursor, known: UIDSet, heard: Heard, modseq: int | None) -> MailboxChanged:
    """Return what a search of the whole mailbox, `known`, shows to have changed.

    `heard` has the messages whose flags changed, where the server can tell.
    """
    new = known.within(cursor.uidnext)
    gone = cursor.uids - known if cursor.uids is not None else heard.vanished
    expunged = gone.within(1, cursor.uidnext - 1)
    after = Cursor(cursor.uidvalidity, max(cursor.uidnext, new.highest + 1), modseq, kept(known))
    flags = heard.uids.within(1, cursor.uidnext - 1) & known
    return MailboxChanged(after, new, expunged, flags)


def _changed(cursor: Cursor, new: UIDSet, expunged: UIDSet, flags: UIDSet) -> MailboxChanged | None:
    if not (new or expunged or flags):
        return None
    return MailboxChanged(cursor, new, expunged, flags)


@dataclass(slots=True)
class Numbers:
    """The messages of a selected mailbox by number, for a server without QRESYNC.

    Feed it with all that the server says, then `take` what has changed. `is_lost` says that the
    mailbox must be searched anew; `is_behind`, that new messages must be looked up.
    """

    known: UIDSet
    exists: int
    is_lost: bool = False
    expunged: UIDSet = NO_UIDS
    flags: UIDSet = NO_UIDS
    modseq: int = 0

    @property
    def is_behind(self) -> bool:
        """Whether there are messages whose UIDs are not known yet."""
        return self.exists > len(self.known)

    def feed(self, items: Iterable[Item]) -> None:
        """Take what the server said. Raises: ProtocolError, ConnectError for a goodbye."""
        items = list(items)
        Heard.of(items)
        if sum(isinstance(item, Expunged) for item in items) > limits.NUMBERED_AT_ONCE:
            self.is_lost = True
        named: list[int] = []
        unnamed: list[int] = []
        for item in items:
            match item:
                case Exists(count):
                    self.is_lost = self.is_lost or count < self.exists
                    self.exists = count
                case Expunged(number):
                    self._name(unnamed)
                    self._expunge(number)
                case Vanished(uids):
                    self._name(unnamed)
                    self._vanish(uids)
                case Fetched(number, uid, modseq, has_flags):
                    self.modseq = max(self.modseq, modseq)
                    if has_flags and uid is not None:
                        named.append(uid)
                    elif has_flags and 0 < number <= len(self.known):
                        unnamed.append(number)
        self._name(unnamed)
        self.flags |= UIDSet.of(named)

    def _name(self, numbers: list[int]) -> None:
        """Note the flags of the messages that have these numbers now, and forget the numbers."""
        if numbers and not self.is_lost:
            self.flags |= UIDSet.of(self.known.at(*numbers))
        numbers.clear()

    def _expunge(self, number: int) -> None:
        if not 0 < number <= self.exists:
            raise ProtocolError(f"the server expunged message {number} of {self.exists}")
        self.exists -= 1
        if number <= len(self.known) and not self.is_lost:
            self._vanish(UIDSet.of(self.known.at(number)), is_counted=True)

    def _vanish(self, uids: UIDSet, *, is_counted: bool = False) -> None:
        gone = self.known & uids
        self.known -= gone
        self.expunged |= gone
        if not is_counted:
            self.exists = max(0, self.exists - len(gone))

    def found(self, uids: UIDSet) -> None:
        """Take the answer to a search of what is above all that is known."""
        self.known |= uids.within(self.known.highest + 1)

    def take(self, cursor: Cursor) -> MailboxChanged | None:
        """Return what has changed since `cursor`, None for nothing, and forget it."""
        new = self.known.within(cursor.uidnext)
        flags = (self.flags - self.expunged).within(1, cursor.uidnext - 1)
        expunged = self.expunged.within(1, cursor.uidnext - 1)
        self.expunged = self.flags = NO_UIDS
        modseq = cursor.modseq and max(cursor.modseq, self.modseq)
        after = replace(
            cursor,
            uidnext=min(max(cursor.uidnext, new.highest + 1), HIGHEST_UID + 1),
            modseq=modseq,
            uids=kept(self.known),
        )
        return _changed(after, new, expunged, flags)
