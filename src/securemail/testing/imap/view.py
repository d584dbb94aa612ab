"""What one session has been told about its mailbox: sequence numbers and flags. No I/O here.

RFC 3501 sections 2.3.1.2, 5.2 and 7.4.1: a message keeps its number until the client is told that
one was expunged, which may happen in some commands only.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from securemail.testing.imap.syntax import BadCommandError
from securemail.testing.store import Mailbox, Message


class View:
    """A session's view of a mailbox."""

    def __init__(self, mailbox: Mailbox, *, read_only: bool) -> None:
        self.mailbox = mailbox
        self.read_only = read_only
        self.uids: list[int] = list(mailbox.messages)
        self.recent = set(mailbox.recent() if read_only else mailbox.claim_recent())
        self._told = {uid: message.flags for uid, message in mailbox.messages.items()}
        self._uidnext = mailbox.uidnext
        self._revision = mailbox.revision

    def flags(self, message: Message) -> str:
        r"""Return a message's flags as this session sees them, with \Recent."""
        flags = sorted(message.flags)
        if message.uid in self.recent:
            flags.append("\\Recent")
        return "(" + " ".join(flags) + ")"

    def told(self, message: Message) -> None:
        """Note that the client knows the flags which the message has now."""
        self._told[message.uid] = message.flags

    def changes(self, *, expunges: bool) -> list[str]:
        """Return the untagged answers that bring the client up to date, without their `*`."""
        if self._revision == self.mailbox.revision:
            return []
        lines = self._expunged() if expunges else []
        lines += self._arrived()
        lines += self._flagged()
        if expunges:
            self._revision = self.mailbox.revision
        return lines

    def find(self, sequence_set: str, *, by_uid: bool) -> Iterator[tuple[int, int]]:
        """Yield (sequence number, UID) of the messages in a set, in order.

        Raises `BadCommandError` for a sequence number that the client cannot know of; a UID that is
        not here is passed over (RFC 3501 section 6.4.8).
        """
        indexes: set[int] = set()
        for part in sequence_set.split(","):
            indexes.update(self._uid_range(part) if by_uid else self._number_range(part))
        for index in sorted(indexes):
            yield index + 1, self.uids[index]

    def _uid_range(self, part: str) -> range:
        highest = self.uids[-1] if self.uids else 0
        low, high = _bounds(part, highest)
        return range(bisect_left(self.uids, low), bisect_right(self.uids, high))

    def _number_range(self, part: str) -> range:
        low, high = _bounds(part, len(self.uids))
        if "*" in part and not self.uids:
            return range(0)
        if low < 1 or high > len(self.uids):
            raise BadCommandError(f"message {part} of {len(self.uids)}")
        return range(low - 1, high)

    def _expunged(self) -> list[str]:
        lines = []
        for index in range(len(self.uids) - 1, -1, -1):
            uid = self.uids[index]
            if uid not in self.mailbox.messages:
                del self.uids[index]
                self.recent.discard(uid)
                self._told.pop(uid, None)
                lines.append(f"{index + 1} EXPUNGE")
        return lines

    def _arrived(self) -> list[str]:
        arrived = [uid for uid in self.mailbox.messages if uid >= self._uidnext]
        self._uidnext = self.mailbox.uidnext
        if not arrived:
            return []
        self.uids += arrived
        for uid in arrived:
            self.told(self.mailbox.messages[uid])
        self.recent |= self.mailbox.recent() if self.read_only else self.mailbox.claim_recent()
        return [f"{len(self.uids)} EXISTS", f"{len(self.recent)} RECENT"]

    def _flagged(self) -> list[str]:
        lines = []
        for index, uid in enumerate(self.uids):
            message = self.mailbox.messages.get(uid)
            if message is not None and self._told[uid] != message.flags:
                self.told(message)
                lines.append(f"{index + 1} FETCH (UID {uid} FLAGS {self.flags(message)})")
        return lines


def _bounds(part: str, highest: int) -> tuple[int, int]:
    first, _, last = part.partition(":")
    numbers = sorted(highest if text == "*" else int(text) for text in (first, last or first))
    return numbers[0], numbers[1]
