"""What happened to the mailboxes, one line each, in the order in which it happened. No I/O here.

The server writes a line before it acts, so that one that is killed goes on from there: a message is
delivered as soon as its line is written. `d USER` delivers, `x USER UID` expunges, `r USER` gives
the messages of a mailbox new UIDs and the mailbox another UIDVALIDITY.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Box:
    """One mailbox: `present` has the serial number of each message by its UID."""

    uidvalidity: int
    uidnext: int = 1
    delivered: int = 0
    present: dict[int, int] = field(default_factory=dict)
    # By UIDVALIDITY and UID: which message it was, and which of them were expunged.
    named: dict[tuple[int, int], int] = field(default_factory=dict)
    expunged: set[tuple[int, int]] = field(default_factory=set)

    def put(self, serial: int) -> None:
        """Give a message the next UID."""
        self.present[self.uidnext] = serial
        self.named[self.uidvalidity, self.uidnext] = serial
        self.uidnext += 1


class Books:
    """All mailboxes, as a journal leaves them."""

    def __init__(self, users: Iterable[str]) -> None:
        self.boxes = {user: Box(number) for number, user in enumerate(users, 1)}
        self._uidvalidity = len(self.boxes)

    @classmethod
    def of(cls, users: Iterable[str], journal: Iterable[str]) -> Books:
        """Return the books after all lines of a journal."""
        books = cls(users)
        for line in journal:
            books.note(line)
        return books

    def note(self, line: str) -> None:
        """Take note of a line."""
        what, user, *uid = line.split()
        box = self.boxes[user]
        match what:
            case "d":
                box.delivered += 1
                box.put(box.delivered)
            case "x":
                del box.present[int(uid[0])]
                box.expunged.add((box.uidvalidity, int(uid[0])))
            case "r":
                self._uidvalidity += 1
                serials = list(box.present.values())
                box.uidvalidity, box.uidnext, box.present = self._uidvalidity, 1, {}
                for serial in serials:
                    box.put(serial)
            case _:
                raise ValueError(line)
