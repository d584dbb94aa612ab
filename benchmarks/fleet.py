"""Many watched mailboxes in one process, and a server that goes down and comes back.

    python benchmarks/fleet.py [--mailboxes 200] [--json]

The embedded server runs in a process of its own, without QRESYNC, so that each watch keeps the
UIDs of its mailbox. Mail is delivered to every mailbox before, during and after the time in which
the server is down; in the end each mailbox has announced each message exactly once, or this fails.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from securemail.testing import MailServer

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"
TICK_S = 0.005
LIMIT_S = 300


# --- the server's process


async def serve(count: int) -> None:
    """Serve `count` mailboxes; a line on stdin is a command, and is answered with a line."""
    async with MailServer({f"user{n}": "secret" for n in range(count)}) as server:
        hello = {"port": server.port(), "ca": server.ca.pem.decode(), "host": server.host_name}
        print(json.dumps(hello), flush=True)
        while command := (await asyncio.to_thread(sys.stdin.readline)).strip():
            match command:
                case "deliver":
                    for user in server.users:
                        server.store.deliver(user, MESSAGE)
                case "down":
                    server.stop()
                case "up":
                    await start(server)
            print("done", flush=True)


async def start(server: MailServer) -> None:
    """Start again; somebody's outgoing connection may have the port for a moment."""
    while True:
        try:
            return server.start()
        except OSError:
            server.stop()
            await asyncio.sleep(0.1)


@dataclass(slots=True)
class Server:
    """The other process."""

    process: asyncio.subprocess.Process
    hello: dict[str, Any]

    @classmethod
    async def started(cls, count: int) -> Server:
        """Start it, and return when it listens."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            "--serve",
            "--mailboxes",
            str(count),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        return cls(process, json.loads(await process.stdout.readline()))

    async def tell(self, command: str) -> None:
        """Give it a command, and return when it is done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n".encode())
        if await self.process.stdout.readline() != b"done\n":
            raise RuntimeError("the server's process has ended")

    async def end(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()


# --- the fleet


@dataclass(slots=True)
class Fleet:
    """What the watches have told so far."""

    up: set[int] = field(default_factory=set)
    announced: list[Counter[int]] = field(default_factory=list)
    change: asyncio.Event = field(default_factory=asyncio.Event)
    lost: int = 0

    async def watch(self, number: int, account: Account, throttle: Throttle) -> None:
        """Watch one mailbox until cancelled."""
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

    async def until_all(self, count: int, messages: int) -> float:
        """Return after how many seconds all are up and have announced so many messages."""
        began = time.perf_counter()
        while len(self.up) < count or any(c.total() < messages for c in self.announced):
            self.change.clear()
            await self.change.wait()
        return time.perf_counter() - began

    def check(self, messages: int) -> None:
        """Raise RuntimeError where a message was missed, or announced twice."""
        for number, counter in enumerate(self.announced):
            if counter != Counter(range(1, messages + 1)):
                raise RuntimeError(f"mailbox {number} announced {counter}")


class Lag:
    """How late the event loop is, at worst, in seconds."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def measure(self) -> None:
        """Look at the clock until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.worst = max(self.worst, loop.time() - due)

    def take(self) -> float:
        """Return the worst since the last call."""
        worst, self.worst = self.worst, 0.0
        return worst


def resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


async def measure(count: int) -> dict[str, float]:
    server = await Server.started(count)
    where = Endpoint(
        server.hello["host"], server.hello["port"], TLSMode.IMPLICIT, addresses=["127.0.0.1"]
    )
    trust = TrustStore.from_pem(server.hello["ca"].encode())
    names = [f"user{n}" for n in range(count)]
    accounts = [
        Account(f"{n}@example.org", imap=where, trust=trust, credentials=Password(n, "secret"))
        for n in names
    ]
    fleet, lag, throttle = Fleet(), Lag(), Throttle()
    fleet.announced = [Counter() for _ in accounts]
    lagging = asyncio.create_task(lag.measure())
    before_kib = resident_kib()
    gc.freeze()
    tasks = [
        asyncio.create_task(fleet.watch(n, account, throttle)) for n, account in enumerate(accounts)
    ]
    found: dict[str, float] = {"mailboxes": count}
    found["seconds until all are up"] = await fleet.until_all(count, 0)
    found["worst lag of the loop, ms"] = lag.take() * 1000
    gc.collect()
    found["KiB for each"] = (resident_kib() - before_kib) / count
    lag.take()
    await server.tell("deliver")
    found["seconds to announce a message to all"] = await fleet.until_all(count, 1)
    found["worst lag meanwhile, ms"] = lag.take() * 1000
    await server.tell("down")
    while fleet.up:
        fleet.change.clear()
        await fleet.change.wait()
    await server.tell("deliver")
    await asyncio.sleep(2)
    await server.tell("up")
    found["seconds until all are back, nothing missed"] = await fleet.until_all(count, 2)
    found["worst lag down and back, ms"] = lag.take() * 1000
    found["connects in flight, at most"] = throttle.peak
    found["tries that failed"] = fleet.lost - count
    await server.tell("deliver")
    await fleet.until_all(count, 3)
    fleet.check(3)
    for task in (*tasks, lagging):
        task.cancel()
    await asyncio.wait({*tasks, lagging})
    found["KiB for each, in the end"] = (resident_kib() - before_kib) / count
    await server.end()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    if options.serve:
        asyncio.run(serve(options.mailboxes))
        return
    found = asyncio.run(asyncio.wait_for(measure(options.mailboxes), LIMIT_S))
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:45} {value:8.1f}")


if __name__ == "__main__":
    main()
