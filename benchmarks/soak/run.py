"""The soak itself: the processes, the watches, the bad luck, and the account."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.soak.account import Account as Outcome
from benchmarks.soak.account import account as account_of
from benchmarks.soak.chaos import Chaos, Pace
from benchmarks.soak.child import Child
from benchmarks.soak.journal import Books
from benchmarks.soak.memory import Memory, open_files
from benchmarks.soak.post import Post
from benchmarks.soak.server import HOST, PASSWORD, users
from benchmarks.soak.watcher import Desk, Watcher, ended

from securemail import (
    Account,
    Backoff,
    Cursor,
    Endpoint,
    Event,
    MaildropCursor,
    Password,
    Rhythm,
    Throttle,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.events import ConnectFailed, ConnectStarted, Reconnecting, SessionLost, Stopped
from securemail.uids import UIDSet

# Each twentieth mailbox is watched by POP3, and of the others each second one by STARTTLS.
_MAILDROPS: Final = 20
# A minute may bring this much, of the median; a leak of one session in 100 brings more.
_MOST_GROWTH: Final = 0.005
_CATCH_UP_S: Final = 120.0


@dataclass(slots=True)
class Soak:
    """One run."""

    directory: Path
    count: int
    seconds: float
    seed: int
    memory: Memory = field(default_factory=Memory)
    events: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    outcome: Outcome = field(default_factory=Outcome)
    peak: int = 0
    caught_up_s: float = 0.0
    load: float = 0.0
    relayed: tuple[int, dict[str, int]] = (0, {})
    left: tuple[int, int] = (0, 0)
    desk: Desk = field(init=False)
    post: Post = field(init=False)

    @property
    def is_short(self) -> bool:
        """Whether it is over too soon to say anything about memory."""
        return self.seconds < 600

    @property
    def is_good(self) -> bool:
        """Whether the account is exact, and memory does not grow."""
        grown = max(self.memory.drift("resident_kib"), self.memory.slope("objects"))
        is_steady = self.is_short or grown <= _MOST_GROWTH
        return self.outcome.is_exact and self.left == (0, 0) and is_steady

    async def run(self) -> None:
        """Watch, let things go wrong, wait until all have caught up, and account."""
        chance = random.Random(self.seed)
        mean_bytes = min(600.0, self.seconds * 10)
        relay = await Child.started("benchmarks.soak.relay", str(self.seed), str(mean_bytes))
        self.post = Post(self.directory, self.count, relay)
        try:
            await self.post.start()
            await self._watch(chance)
        finally:
            await self.post.end()
        names = users(self.count)
        books = Books.of(names, self.post.journal.read_text().splitlines())
        maildrops = frozenset(names[::_MAILDROPS])
        heard = (self.directory / "heard").read_text().splitlines()
        self.outcome = account_of(books, heard, maildrops)

    async def _watch(self, chance: random.Random) -> None:
        files = open_files()
        with (self.directory / "heard").open("w") as heard:
            self.desk = self._desk(heard, chance)
            watchers = [self._watcher(number) for number in range(self.count)]
            tasks = [asyncio.create_task(each.run()) for each in watchers]
            sampling = asyncio.create_task(self.memory.watch(min(60.0, self.seconds / 10)))
            pace = Pace.of(self.count, self.seconds)
            chaos = asyncio.create_task(Chaos(self.post, watchers, pace, chance).run())
            await asyncio.wait({chaos, *tasks}, timeout=self.seconds, return_when="FIRST_COMPLETED")
            await ended(chaos)
            self.load = os.getloadavg()[0]
            await self._calm(watchers)
            await ended(sampling)
            self.relayed = await self.post.relay.tell("struck")
            for task in tasks:
                await ended(task)
        # The pipes of the children are open before and after; those of the server are others.
        await asyncio.sleep(0)
        self.left = (open_files() - files, len(asyncio.all_tasks()) - 1)

    async def _calm(self, watchers: list[Watcher]) -> None:
        """End the bad luck, and wait until every watch has seen all that there is.

        Half-open lines are noticed by themselves; nothing else must be needed.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await self.post.relay.tell("calm")
        await self.post.wait_up()
        await self.post.tell("throttle")
        while loop.time() - began_s < _CATCH_UP_S:
            state = await self.post.tell("state")
            if all(_is_level(each, *state[each.user]) for each in watchers):
                break
            await asyncio.sleep(0.2)
        self.caught_up_s = loop.time() - began_s
        # What would be announced a second time comes with the next look.
        await asyncio.sleep(self.desk.rhythm.idle)

    def _desk(self, heard: Any, chance: random.Random) -> Desk:
        pause_s = min(20.0, self.seconds / 5)
        backoff = Backoff(base=0.5, ceiling=5.0, stable=30.0)
        rhythm = Rhythm(idle=pause_s, poll=pause_s, backoff=backoff)
        timeouts = Timeouts(connect=5, tls=10, greeting=10, command=10, total=30)
        return Desk(heard, rhythm, timeouts, self._observe, chance)

    def _observe(self, event: Event) -> None:
        match event:
            case ConnectStarted():
                self.events["connects"] += 1
                self.peak = max(self.peak, Throttle.of_loop().peak)
            case ConnectFailed(step=step, failure=failure):
                self.events[f"connect failed: {step.value}, {failure.kind.__name__}"] += 1
            case SessionLost(ending=ending, failure=failure):
                kind = "" if failure is None else f", {failure.kind.__name__}"
                self.events[f"session {ending.value}{kind}"] += 1
            case Reconnecting(reason=reason):
                self.reasons[reason.name.lower()] += 1
            case Stopped(reason=reason):
                self.stops[reason.name.lower()] += 1

    def _watcher(self, number: int) -> Watcher:
        user = users(self.count)[number]
        is_maildrop = number % _MAILDROPS == 0
        tls = TLSMode.STARTTLS if number % 2 and not is_maildrop else TLSMode.IMPLICIT
        ports = self.post.relay.hello
        port = ports[2] if is_maildrop else ports[1] if tls is TLSMode.STARTTLS else ports[0]
        where = Endpoint(HOST, port, tls, addresses=["127.0.0.1"])
        mine = Account(
            f"{user}@example.org",
            imap=None if is_maildrop else where,
            pop3=where if is_maildrop else None,
            trust=TrustStore.from_pem(self.post.ca.pem),
            credentials=Password(user, PASSWORD),
        )
        # The mailboxes are empty when it begins: everything that comes must be announced.
        imap = Cursor(number + 1, 1, None, UIDSet())
        cursor = MaildropCursor(b"") if is_maildrop else imap
        return Watcher(user, mine, json.dumps(cursor.to_json()), self.desk)


def _is_level(watcher: Watcher, uidvalidity: int, uids: list[int]) -> bool:
    cursor = watcher.cursor
    if isinstance(cursor, MaildropCursor):
        # What is gone is told to nobody, and so no cursor without it is stored.
        return not any(cursor.is_new(f"{uidvalidity}.{uid}") for uid in uids)
    return cursor.uidvalidity == uidvalidity and cursor.uids == UIDSet.of(uids)


def found(soak: Soak) -> dict[str, Any]:
    """Return what came out."""
    memory = soak.memory
    return {
        "verdict": "exact" if soak.is_good else "NOT good",
        "mailboxes": soak.count,
        "minutes": soak.seconds / 60,
        "seed": soak.seed,
        "load of the machine at the end": round(soak.load, 1),
        "the account": dict(sorted(soak.outcome.numbers.items())),
        "what is wrong": soak.outcome.faults[:50],
        "what happened": dict(soak.post.happened),
        "faults of the line": soak.relayed[1],
        "connections": soak.relayed[0],
        "connects in flight, at most": soak.peak,
        "all caught up after the last fault, s": round(soak.caught_up_s, 1),
        "told": dict(sorted(soak.desk.counts.items())),
        "reconnects by reason": dict(soak.reasons.most_common()),
        "watches that ended, and were begun anew": dict(soak.stops),
        "sessions": dict(sorted(soak.events.items())),
        "files and tasks left over": soak.left,
        "minute, KiB resident, objects, files, tasks": [
            f"{s.minute:6.1f} {s.resident_kib:9.0f} {s.objects:9} {s.files:6} {s.tasks:6}"
            for s in memory.samples
        ],
        "memory grows by least squares, % in a minute": round(
            memory.slope("resident_kib") * 100, 3
        ),
        "the same in most minutes, %": round(memory.drift("resident_kib") * 100, 3),
        "objects grow by, % in a minute": round(memory.slope("objects") * 100, 3),
    }
