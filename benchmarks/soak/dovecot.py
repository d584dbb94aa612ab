"""The soak on a real Dovecot: QRESYNC, NOTIFY, and a second session that changes all the time.

    python -m benchmarks.soak.dovecot [--minutes 10] [--mailboxes 50] [--seed N]

Three of five mailboxes are watched by `watch()`, the others ten at a time by `watch_all()`. The
proxy of the other soak stands in between; the server is killed and restarted, and so are single
sessions. The exit code is 1 where anything is missing, told twice, or invented.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.soak.account import Account as Outcome
from benchmarks.soak.child import Child
from benchmarks.soak.follower import Follower, Hall
from benchmarks.soak.second import Second
from benchmarks.soak.truth import compare
from benchmarks.soak.watcher import ended

from securemail import (
    Account,
    Backoff,
    Connected,
    Endpoint,
    Password,
    PoolLimits,
    Rhythm,
    SessionPool,
    Throttle,
    Timeouts,
    TLSMode,
    TrustStore,
    watch_all,
)
from tests.servers.dovecot import DovecotWorld, dovecot
from tests.servers.dovecot_files import mail_owner

_PASSWORD: Final = "secret"
_AT_ONCE: Final = 10
_CATCH_UP_S: Final = 120.0
_RHYTHM: Final = Rhythm(idle=20, poll=20, backoff=Backoff(base=0.5, ceiling=5, stable=30))
_TIMEOUTS: Final = Timeouts(connect=5, tls=10, greeting=10, command=10, total=30)


def add_user(world: DovecotWorld, user: str) -> None:
    """Give the server another user."""
    with (world.directory / "users").open("a") as users:
        users.write(f"{user}:{{PLAIN}}{_PASSWORD}::::::\n")
    maildir = world.directory / "mail" / user / "Maildir"
    for path in (maildir, *(maildir / name for name in ("cur", "new", "tmp"))):
        path.mkdir(parents=True)
        os.chown(path, *mail_owner())
    os.chown(maildir.parent, *mail_owner())


@dataclass(slots=True)
class Soak:
    """One run."""

    world: DovecotWorld
    mailboxes: int
    seconds: float
    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    followers: list[Follower] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    caught_up_s: float = 0.0
    relayed: list[Any] = field(default_factory=list)
    hall: Hall = field(init=False)
    second: Second = field(init=False)

    async def run(self, seed: int) -> None:
        """Watch, let things go wrong, wait until all is told, and account."""
        relay = await Child.started("benchmarks.soak.relay", str(seed), "6000")
        await relay.tell(f"at {self.world.address}")
        await relay.tell(f"to {self.world.imaps_port} {self.world.imap_port} 1")
        self.hall = Hall(_RHYTHM, _TIMEOUTS, self.chance)
        # Its own throttle: it must not wait for those that the relay keeps waiting.
        limits = PoolLimits(maximum=1, per_host=200)
        try:
            async with SessionPool(limits, throttle=Throttle(), timeouts=_TIMEOUTS) as pool:
                self.second = Second(pool, self.happened)
                await self._begin(relay)
                await self._watch(relay)
        finally:
            await relay.kill()

    async def _begin(self, relay: Child) -> None:
        singles = self.mailboxes * 3 // 5
        groups = [["INBOX"]] * singles
        groups += [[f"box{n}" for n in range(_AT_ONCE)]] * ((self.mailboxes - singles) // _AT_ONCE)
        for number in range(len(groups)):
            add_user(self.world, f"soak{number}")
        # It looks at the date of its list, in seconds.
        await asyncio.to_thread(self.world.restart)
        for number, names in enumerate(groups):
            user = f"soak{number}"
            tls = (TLSMode.IMPLICIT, TLSMode.STARTTLS)[number % 2]
            mine = self._account(user, Endpoint(
                self.world.host, relay.hello[number % 2], tls, addresses=["127.0.0.1"]
            ))  # fmt: skip
            follower = Follower(mine, names, self.hall)
            await self.second.prepare(self._direct(follower), names)
            async with watch_all(self._direct(follower), names) as events:
                # Empty as they are: whatever comes from now on must be told.
                while len(follower.cursors) < len(names):
                    name, event = await anext(events)
                    assert isinstance(event, Connected)
                    follower.cursors[name] = event.cursor  # type: ignore[assignment]  # IMAP's
            self.followers.append(follower)

    def _account(self, user: str, where: Endpoint) -> Account:
        return Account(
            f"{user}@example.test",
            imap=where,
            credentials=Password(user, _PASSWORD),
            trust=TrustStore.from_pem(self.world.ca_pem),
        )

    def _direct(self, follower: Follower) -> Account:
        world, user = self.world, follower.account.address.partition("@")[0]
        addresses = [world.address]
        where = Endpoint(world.host, world.imaps_port, TLSMode.IMPLICIT, addresses=addresses)
        return self._account(user, where)

    async def _watch(self, relay: Child) -> None:
        tasks = [asyncio.create_task(each.run()) for each in self.followers]
        chaos = asyncio.create_task(self._chaos())
        await asyncio.wait({chaos, *tasks}, timeout=self.seconds, return_when="FIRST_COMPLETED")
        await ended(chaos)
        await relay.tell("calm")
        await asyncio.to_thread(self.world.restart)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while loop.time() - began_s < _CATCH_UP_S:
            if (await self._account_now()).is_exact:
                break
            await asyncio.sleep(0.2)
        self.caught_up_s = loop.time() - began_s
        # What would be told a second time comes with the next look.
        await asyncio.sleep(_RHYTHM.idle)
        self.outcome = await self._account_now()
        self.relayed = await relay.tell("struck")
        for task in tasks:
            await ended(task)

    async def _account_now(self) -> Outcome:
        found = Outcome()
        for each in self.followers:
            direct = self._direct(each)
            for name in each.names:
                present = await self.second.present(direct, name)
                done = self.second.done[direct.address, name]
                compare(f"{direct.address}/{name}", each.told[name], done, present, found)
        return found

    # --- what happens at random

    async def _chaos(self) -> None:
        often = min(15 / self.mailboxes, 1.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._often(often, self._deliver))
            group.create_task(self._often(often * 5, self._expunge))
            group.create_task(self._often(often * 3, self._flag))
            group.create_task(self._often(often * 6, self._interrupt))
            group.create_task(self._often(5.0, self._kill_sessions))
            group.create_task(self._often(min(30.0, self.seconds / 8), self._kill))

    async def _often(self, mean_s: float, what: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / mean_s))
            await what()

    def _any(self) -> tuple[Account, str]:
        follower = self.chance.choices(self.followers, [len(f.names) for f in self.followers])[0]
        return self._direct(follower), self.chance.choice(follower.names)

    async def _deliver(self) -> None:
        account, name = self._any()
        if name == "INBOX" and self.chance.random() < 0.5:
            # As a delivery agent does: a file, behind the server's back.
            self.world.deliver(account.address.partition("@")[0], b"Subject: news\n\nNews.\n")
            self.happened["delivered as a file"] += 1
            return
        await self.second.deliver(account, name)

    async def _expunge(self) -> None:
        await self.second.expunge(*self._any(), self.chance)

    async def _flag(self) -> None:
        await self.second.flag(*self._any(), self.chance, lambda: self.hall.events)

    async def _interrupt(self) -> None:
        self.happened["a watching task cancelled"] += 1
        self.chance.choice(self.followers).interrupt()

    async def _kill_sessions(self) -> None:
        user = self._any()[0].address.partition("@")[0]
        self.happened["sessions killed"] += await asyncio.to_thread(self.world.kill_sessions, user)

    async def _kill(self) -> None:
        self.happened["the server killed by SIGKILL"] += 1
        self.world.kill()
        await asyncio.sleep(self.chance.uniform(0.1, 4))
        await asyncio.to_thread(self.world.start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--mailboxes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    with dovecot() as world:
        seconds, chance = chosen.minutes * 60, random.Random(chosen.seed)
        soak = Soak(world, chosen.mailboxes, seconds, chance)
        asyncio.run(soak.run(chosen.seed))
    result = {
        "verdict": "exact" if soak.outcome.is_exact else "NOT good",
        "the account": dict(sorted(soak.outcome.numbers.items())),
        "what is wrong": soak.outcome.faults[:50],
        "what happened": dict(soak.happened),
        "connections, and faults of the line": soak.relayed,
        "told": dict(sorted(soak.hall.counts.items())),
        "all told after the last fault, s": round(soak.caught_up_s, 1),
        "load at the end": os.getloadavg()[0],
    }
    print(json.dumps(result, indent=1))
    sys.exit(0 if soak.outcome.is_exact else 1)


if __name__ == "__main__":
    main()
