"""What happens at random: mail, and all that servers, networks and programs do to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.soak.post import Post
from benchmarks.soak.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Pace:
    """Mean seconds between two of a kind, over all mailboxes."""

    delivery: float
    expunge: float
    interruption: float
    disaster: float

    @classmethod
    def of(cls, mailboxes: int, seconds: float) -> Pace:
        """Return the pace of a run: a message a minute for each mailbox, and a disaster in 45 s."""
        delivery = min(60 / mailboxes, 0.1)
        interruption = min(250 / mailboxes, seconds / 40)
        return cls(delivery, delivery * 4, interruption, min(45.0, seconds / 12))


class Chaos:
    """Runs until cancelled."""

    def __init__(
        self, post: Post, watchers: list[Watcher], pace: Pace, chance: random.Random
    ) -> None:
        self._post = post
        self._watchers = watchers
        self._pace = pace
        self._chance = chance
        self._disasters = (
            ("killed by SIGKILL", self._kill),
            ("said BYE", self._say_goodbye),
            ("throttled logins by [UNAVAILABLE]", self._throttle),
            ("changed UIDVALIDITY of mailboxes", self._renumber),
        )

    async def run(self) -> None:
        """Let things happen, each kind at its pace."""
        pace = self._pace
        async with asyncio.TaskGroup() as group:
            group.create_task(self._often(pace.delivery, self._deliver))
            group.create_task(self._often(pace.expunge, self._expunge))
            group.create_task(self._often(pace.interruption, self._interrupt))
            group.create_task(self._often(pace.disaster, self._strike))

    async def _often(self, mean_s: float, what: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / mean_s))
            await what()

    def _any(self) -> Watcher:
        return self._chance.choice(self._watchers)

    async def _deliver(self) -> None:
        # Sometimes several at once, as when a queue upstream is flushed.
        for _ in range(self._chance.choice((1, 1, 1, 4))):
            await self._post.deliver(self._any().user)

    async def _expunge(self) -> None:
        await self._post.tell(f"x {self._any().user} {self._chance.randrange(1000)}")

    async def _interrupt(self) -> None:
        self._post.happened["a watching task cancelled"] += 1
        self._any().interrupt()

    async def _strike(self) -> None:
        name, disaster = self._chance.choice(self._disasters)
        self._post.happened[f"the server {name}"] += 1
        await disaster()

    async def _kill(self) -> None:
        await self._post.kill(self._chance.uniform(0.1, 4))

    async def _say_goodbye(self) -> None:
        await self._post.tell("bye")

    async def _throttle(self) -> None:
        code = self._chance.choice(("UNAVAILABLE", "SYS/TEMP", "LIMIT"))
        await self._post.tell(f"throttle {code}")
        await self._post.tell("reset")
        await asyncio.sleep(self._chance.uniform(1, 4))
        await self._post.tell("throttle")

    async def _renumber(self) -> None:
        """As after a restore: who has the mailbox open loses the line."""
        some = self._chance.sample(self._watchers, max(1, len(self._watchers) // 20))
        await self._post.tell("r " + " ".join(each.user for each in some))
        await self._post.tell("reset")
