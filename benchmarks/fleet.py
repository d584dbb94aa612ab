"""Many watched mailboxes in one process, and a server that is killed and comes back.

    python -m benchmarks.fleet [--mailboxes 200] [--rounds 3] [--freeze] [--json]

Mail is delivered to every mailbox before, during and after each time in which the server is down.
It fails when a watch ends, when a mailbox has not announced each message exactly once, and when
more connections were in the making than the throttle allows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.files import raise_file_limit
from benchmarks.fleet_server import HOST, Server
from benchmarks.turns import MeasuredSelector

from securemail import (
    Account,
    Backoff,
    Connected,
    Endpoint,
    Lost,
    MailboxChanged,
    Password,
    Rhythm,
    Throttle,
    Timeouts,
    TLSMode,
    TrustStore,
    watch,
)

LIMIT_S = 600


@dataclass(slots=True)
class Fleet:
    """What the watches have told so far."""

    up: set[int] = field(default_factory=set)
    announced: list[Counter[int]] = field(default_factory=list)
    change: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    lost: int = 0
    failure: str = ""

    def begin(self, accounts: list[Account], throttle: Throttle) -> None:
        """Watch a mailbox of each."""
        self.announced = [Counter() for _ in accounts]
        for number, account in enumerate(accounts):
            task = asyncio.create_task(self._watch(number, account, throttle))
            task.add_done_callback(self._ended)
            self.tasks.append(task)

    async def _watch(self, number: int, account: Account, throttle: Throttle) -> None:
        rhythm = Rhythm(backoff=Backoff(base=1.0, ceiling=5.0))
        events = watch(account, rhythm=rhythm, throttle=throttle, timeouts=Timeouts(total=120))
        async with events:
            async for event in events:
                match event:
                    case Connected():
                        self.up.add(number)
                    case Lost():
                        self.up.discard(number)
                        self.lost += 1
                    case MailboxChanged(_, new):
                        self.announced[number].update(new)
                self.change.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.failure = f"a watch has ended: {task.exception()!r}"
            self.change.set()

    async def until(self, *, up: int, messages: int) -> float:
        """Return after how many seconds so many are up, and all have announced so many messages."""
        began = time.perf_counter()
        while len(self.up) != up or any(each.total() < messages for each in self.announced):
            self.change.clear()
            await self.change.wait()
            if self.failure:
                raise SystemExit(self.failure)
        return time.perf_counter() - began

    def check(self, messages: int) -> None:
        """Exit where a message was missed, or announced twice."""
        for number, counter in enumerate(self.announced):
            if counter != Counter(range(1, messages + 1)):
                raise SystemExit(f"mailbox {number} has announced {counter}, not 1 to {messages}")

    async def end(self) -> None:
        """Cancel all watches."""
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


@dataclass(slots=True)
class Found:
    """The figures, in the order in which they were found."""

    turns: MeasuredSelector
    count: int
    before_kib: int = 0
    before: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def phase(self, name: str) -> AsyncIterator[None]:
        """Measure what is done inside."""
        await asyncio.sleep(0)  # what was done so far belongs to the turn that ends here
        self.turns.take()
        began = time.perf_counter()
        yield
        self.figures[f"{name}: seconds"] = time.perf_counter() - began
        for what, value in asdict(self.turns.take()).items():
            self.figures[f"{name}: {what.replace('_', ' ')}, ms"] = value

    def weigh(self, name: str) -> None:
        """Note the memory of each mailbox. Full passes of the collector: not inside a phase."""
        gc.collect()
        self.figures[f"{name}: KiB for each"] = (resident_kib() - self.before_kib) / self.count
        self.figures[f"{name}: objects for each"] = (
            len(gc.get_objects()) - self.before
        ) / self.count


def resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def accounts_on(server: Server) -> list[Account]:
    where = Endpoint(HOST, server.port, TLSMode.IMPLICIT, addresses=["127.0.0.1"])
    trust = TrustStore.from_pem(server.ca.pem)
    return [
        Account(f"{n}@example.org", imap=where, trust=trust, credentials=Password(n, "secret"))
        for n in (f"user{number}" for number in range(server.count))
    ]


async def measure(found: Found, rounds: int, *, is_frozen: bool) -> None:
    count = found.count
    server, fleet, throttle = Server(count), Fleet(), Throttle()
    accounts = accounts_on(server)
    try:
        await server.start()
        found.before_kib, found.before = resident_kib(), len(gc.get_objects())
        if is_frozen:
            # The third generation is never looked at: what sessions leave does not get so old.
            gc.set_threshold(*gc.get_threshold()[:2], 1_000_000)
        async with found.phase("connecting"):
            fleet.begin(accounts, throttle)
            await fleet.until(up=count, messages=0)
        found.weigh("connected")
        if is_frozen:
            gc.freeze()
        async with found.phase("a message to each"):
            await server.deliver()
            await fleet.until(up=count, messages=1)
        for number in range(1, rounds + 1):
            await restart(server, fleet, found, f"restart {number}")
        fleet.check(server.messages)
    finally:
        await fleet.end()
        await server.kill()
    if throttle.peak > throttle.per_host:
        raise SystemExit(f"{throttle.peak} connections to one host were in the making at once")
    found.figures["connects in flight, at most"] = throttle.peak
    found.figures["tries that failed"] = fleet.lost - count * rounds


async def restart(server: Server, fleet: Fleet, found: Found, name: str) -> None:
    async with found.phase(f"{name}, killed"):
        await server.kill()
        await fleet.until(up=0, messages=server.messages)
    await server.deliver()
    await asyncio.sleep(1)
    async with found.phase(f"{name}, back"):
        await server.start()
        await fleet.until(up=server.count, messages=server.messages)
        await server.deliver()
        await fleet.until(up=server.count, messages=server.messages)
    found.weigh(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--freeze",
        action="store_true",
        help="gc.freeze() once all are up, and no full passes at all",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    raise_file_limit()
    found = Found(MeasuredSelector(), options.mailboxes)
    work = measure(found, options.rounds, is_frozen=options.freeze)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(found.turns)) as runner:
        runner.run(asyncio.wait_for(work, LIMIT_S))
    found.figures["load of the machine"] = os.getloadavg()[0]
    if options.json:
        print(json.dumps(found.figures))
        return
    for name, value in found.figures.items():
        print(f"{name:45} {value:8.1f}")


if __name__ == "__main__":
    main()
