"""Whether each message was announced exactly once: what was heard beside what happened. No I/O.

Heard are, in order: `n USER UIDVALIDITY UIDS` (new), `e USER UIDVALIDITY UIDS` (expunged),
`v USER UIDVALIDITY UIDNEXT` (all UIDs are void; messages below UIDNEXT are not announced) and, from
POP3, `m USER ID...` (new).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.soak.journal import Books, Box

from securemail.uids import UIDSet

# What must not be.
FAULTS: Final = (
    "missing",
    "announced twice",
    "never delivered",
    "expunges missing",
    "expunges told twice",
    "expunges that were none",
    "flags missing",
    "UIDVALIDITY changed",
)


@dataclass(slots=True)
class Account:
    """What came out: numbers by their name, and the first faults in words."""

    numbers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether nothing was missing, told twice, or invented."""
        return not any(self.numbers[name] for name in FAULTS)

    def blame(self, name: str, user: str, what: object) -> None:
        """Count a fault."""
        self.numbers[name] += 1
        self.faults.append(f"{user}: {what} {name}")


@dataclass(slots=True)
class _Watched:
    """What the watch of one IMAP mailbox has told."""

    user: str
    box: Box
    account: Account
    seen: set[int] = field(default_factory=set)
    listed: set[int] = field(default_factory=set)
    announced: set[tuple[int, int]] = field(default_factory=set)
    gone: set[tuple[int, int]] = field(default_factory=set)
    uidvalidity: int = 0

    def new(self, uidvalidity: int, uid: int) -> None:
        serial = self.box.named.get((uidvalidity, uid))
        if serial is None:
            self.account.blame("never delivered", self.user, (uidvalidity, uid))
        elif serial in self.seen:
            self.account.blame("announced twice", self.user, serial)
        else:
            self.account.numbers["announced once"] += 1
            self.seen.add(serial)
            self.announced.add((uidvalidity, uid))

    def expunged(self, uidvalidity: int, uid: int) -> None:
        what = (uidvalidity, uid)
        if what in self.gone:
            self.account.blame("expunges told twice", self.user, what)
        elif what not in self.box.expunged:
            self.account.blame("expunges that were none", self.user, what)
        else:
            self.account.numbers["expunges told"] += 1
        self.gone.add(what)

    def void(self, uidvalidity: int, uidnext: int) -> None:
        self.account.numbers["changes of UIDVALIDITY told"] += 1
        self.uidvalidity = uidvalidity
        there = {
            serial
            for (validity, uid), serial in self.box.named.items()
            if validity == uidvalidity and uid < uidnext
        }
        self.listed |= there - self.seen
        self.seen |= there

    def close(self) -> None:
        numbers = self.account.numbers
        numbers["delivered"] += self.box.delivered
        unseen = set(range(1, self.box.delivered + 1)) - self.seen
        for serial in unseen & set(self.box.present.values()):
            self.account.blame("missing", self.user, serial)
        numbers["expunged before anybody looked"] += len(unseen - set(self.box.present.values()))
        numbers["listed after a change of UIDVALIDITY"] += len(self.listed)
        for what in (self.announced & self.box.expunged) - self.gone:
            # One that was expunged before the UIDs became void is not told of any more.
            if what[0] == self.box.uidvalidity:
                self.account.blame("expunges missing", self.user, what)


def account(books: Books, heard: Iterable[str], maildrops: frozenset[str]) -> Account:
    """Compare the books with what was heard; `maildrops` are those who were watched by POP3."""
    found = Account()
    watched = {
        user: _Watched(user, box, found)
        for user, box in books.boxes.items()
        if user not in maildrops
    }
    unique_ids: dict[str, Counter[str]] = {user: Counter() for user in maildrops}
    for line in heard:
        what, user, *rest = line.split()
        if what == "m":
            unique_ids[user].update(rest)
            continue
        validity = int(rest[0])
        match what:
            case "n":
                for uid in UIDSet.parse(rest[1].encode()):
                    watched[user].new(validity, uid)
            case "e":
                for uid in UIDSet.parse(rest[1].encode()):
                    watched[user].expunged(validity, uid)
            case _:
                watched[user].void(validity, int(rest[1]))
    for each in watched.values():
        each.close()
    for user, ids in unique_ids.items():
        _close_maildrop(user, books.boxes[user], ids, found)
    return found


def _close_maildrop(user: str, box: Box, told: Counter[str], found: Account) -> None:
    """Each unique id is told once; a message that is renumbered has another (RFC 1939)."""
    known = {f"{validity}.{uid}" for validity, uid in box.named}
    there = {f"{box.uidvalidity}.{uid}" for uid in box.present}
    found.numbers["unique ids in POP3"] += len(known)
    for unique_id, times in told.items():
        if unique_id not in known:
            found.blame("never delivered", user, unique_id)
        elif times > 1:
            found.blame("announced twice", user, unique_id)
        else:
            found.numbers["unique ids announced once"] += 1
    for unique_id in there - set(told):
        found.blame("missing", user, unique_id)
    found.numbers["unique ids gone before anybody looked"] += len(known - there - set(told))
