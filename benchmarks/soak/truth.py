"""Whether a watch told what became of a mailbox on a real server. No I/O.

The server gives the numbers here, so the truth is what it has in the end, beside what a second
session did meanwhile: whether that has happened is not always known when the server is killed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from benchmarks.soak.account import Account

from securemail.uids import UIDSet


@dataclass(slots=True)
class Told:
    """What a watch has told of one mailbox: UIDs, each as often as it was told.

    `last` has the number of the last event that told of a UID as new or of its flags.
    """

    new: Counter[int] = field(default_factory=Counter)
    expunged: Counter[int] = field(default_factory=Counter)
    last: dict[int, int] = field(default_factory=dict)
    made_anew: int = 0

    def note(self, number: int, new: UIDSet, expunged: UIDSet, flags: UIDSet) -> None:
        """Take note of an event, the `number`-th of all."""
        self.new.update(new)
        self.expunged.update(expunged)
        self.last.update(dict.fromkeys([*new, *flags], number))


@dataclass(slots=True)
class Done:
    """What a second session has done to it.

    `expunged` are those that it has begun to expunge, `flagged` those whose flags have surely
    changed when so many events had been told.
    """

    expunged: set[int] = field(default_factory=set)
    flagged: dict[int, int] = field(default_factory=dict)


def compare(name: str, told: Told, done: Done, present: UIDSet, found: Account) -> None:
    """Add to `found` what was told, and what is wrong with it."""
    there, numbers = set(present), found.numbers
    numbers["announced once"] += sum(times == 1 for times in told.new.values())
    numbers["expunges told"] += len(told.expunged)
    numbers["flags known to have changed"] += len(done.flagged)
    numbers["expunged before anybody looked"] += len(done.expunged - there - set(told.new))
    gone = set(told.new) - there
    wrong = {
        "missing": there - set(told.new),
        "announced twice": {uid for uid, times in told.new.items() if times > 1},
        "never delivered": gone - done.expunged,
        "expunges missing": gone - set(told.expunged),
        "expunges told twice": {uid for uid, times in told.expunged.items() if times > 1},
        "expunges that were none": set(told.expunged) - done.expunged | set(told.expunged) & there,
        "flags missing": {
            uid
            for uid, since in done.flagged.items()
            if uid in there and told.last.get(uid, -1) < since
        },
        "UIDVALIDITY changed": set(range(told.made_anew)),
    }
    for fault, uids in wrong.items():
        for uid in sorted(uids):
            found.blame(fault, name, uid)
