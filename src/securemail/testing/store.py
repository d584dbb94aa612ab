"""Mailboxes in memory, shared by all sessions of a `MailServer`. No I/O here.

Everything is called from the event loop's thread.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

INBOX: Final = "INBOX"

SYSTEM_FLAGS: Final = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")

Listener = Callable[[], None]


@dataclass(slots=True)
class Message:
    """A message as it was delivered, and the flags that its mailbox has for it."""

    uid: int
    data: bytes = field(repr=False)
    internal_date: dt.datetime
    flags: frozenset[str] = frozenset()


class Mailbox:
    """Messages in the order of their UIDs. Every change is told to the subscribers, at once."""

    def __init__(self, uidvalidity: int) -> None:
        self.uidvalidity: Final = uidvalidity
        self.uidnext = 1
        self.messages: dict[int, Message] = {}
        self.revision = 0  # counts changes
        self._unclaimed: set[int] = set()
        self._listeners: list[Listener] = []

    def add(
        self,
        data: bytes,
        *,
        flags: Iterable[str] = (),
        internal_date: dt.datetime | None = None,
    ) -> Message:
        """Append a message and return it with its UID. A date without zone is local time."""
        date = internal_date or dt.datetime.now(dt.UTC)
        if date.tzinfo is None:
            date = date.astimezone()
        message = Message(self.uidnext, data, date, frozenset(flags))
        self.messages[message.uid] = message
        self._unclaimed.add(message.uid)
        self.uidnext += 1
        self._changed()
        return message

    def set_flags(self, uid: int, flags: Iterable[str]) -> None:
        """Replace a message's flags. Raises `KeyError` for a UID that is not here."""
        self.messages[uid].flags = frozenset(flags)
        self._changed()

    def expunge(self, uids: Iterable[int]) -> None:
        """Remove messages for good; a UID that is not here is passed over."""
        for uid in tuple(uids):
            self.messages.pop(uid, None)
            self._unclaimed.discard(uid)
        self._changed()

    def claim_recent(self) -> frozenset[int]:
        r"""Return the UIDs no session has been told of yet: they are \Recent for the caller."""
        claimed = frozenset(self._unclaimed)
        self._unclaimed.clear()
        return claimed

    def recent(self) -> frozenset[int]:
        """Return the UIDs no session has been told of yet, and leave them so."""
        return frozenset(self._unclaimed)

    @contextmanager
    def subscribed(self, listener: Listener) -> Iterator[None]:
        """Call `listener` after every change, inside the `with` block."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _changed(self) -> None:
        self.revision += 1
        for listener in tuple(self._listeners):
            listener()


class MailStore:
    """The mailboxes of all users; each has an INBOX from the beginning."""

    def __init__(self, users: Iterable[str]) -> None:
        self._uidvalidity = 0
        self._mailboxes: dict[str, dict[str, Mailbox]] = {}
        self._subscriptions: dict[str, set[str]] = {}
        for user in users:
            self._mailboxes[user] = {INBOX: self._new_mailbox()}
            self._subscriptions[user] = {INBOX}

    def deliver(
        self,
        user: str,
        message: bytes,
        *,
        mailbox: str = INBOX,
        flags: Iterable[str] = (),
        internal_date: dt.datetime | None = None,
    ) -> int:
        """Deliver from outside and return the UID; sessions that IDLE are told at once.

        Lines in `message` should end in CRLF: it is kept as it is. Raises `KeyError` for a user or
        a mailbox that is not here.
        """
        added = self.mailbox(user, mailbox).add(message, flags=flags, internal_date=internal_date)
        return added.uid

    def mailbox(self, user: str, name: str = INBOX) -> Mailbox:
        """Return a mailbox. Raises `KeyError` for a user or a mailbox that is not here."""
        return self._mailboxes[user][canonical_name(name)]

    def names(self, user: str) -> list[str]:
        """Return the names of a user's mailboxes, sorted."""
        return sorted(self._mailboxes[user])

    def create(self, user: str, name: str) -> Mailbox:
        """Make an empty mailbox. Raises `ValueError` when it exists."""
        name = canonical_name(name)
        if name in self._mailboxes[user]:
            raise ValueError(f"the mailbox {name} exists")
        return self._mailboxes[user].setdefault(name, self._new_mailbox())

    def delete(self, user: str, name: str) -> None:
        """Remove a mailbox with its messages. Raises `ValueError` for the INBOX or none."""
        name = canonical_name(name)
        if name == INBOX or name not in self._mailboxes[user]:
            raise ValueError(f"the mailbox {name} cannot be deleted")
        removed = self._mailboxes[user].pop(name)
        removed.expunge(removed.messages)

    def renumber(self, user: str, name: str = INBOX) -> Mailbox:
        """Give the messages of a mailbox new UIDs, and the mailbox another UIDVALIDITY.

        As after a restore from a backup; sessions that have it selected go on with the old one, so
        `kill()` the server as well.
        """
        old, new = self.mailbox(user, name), self._new_mailbox()
        for message in old.messages.values():
            new.add(message.data, flags=message.flags, internal_date=message.internal_date)
        self._mailboxes[user][canonical_name(name)] = new
        return new

    def subscriptions(self, user: str) -> set[str]:
        """Return the names that LSUB lists; the set may be changed."""
        return self._subscriptions[user]

    def _new_mailbox(self) -> Mailbox:
        # Never twice the same: a name that is used again must not revive a client's cache.
        self._uidvalidity += 1
        return Mailbox(self._uidvalidity)


def canonical_name(name: str) -> str:
    """Return the name as it is stored: INBOX has no case (RFC 3501 section 5.1)."""
    return INBOX if name.upper() == INBOX else name
