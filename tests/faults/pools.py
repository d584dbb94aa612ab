"""What a pool has come to before somebody in it is cancelled, and what must be true afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from securemail import Account, Phase, SecureSession, Service
from securemail.pool import PoolLimits, SessionPool
from securemail.reconnect import Backoff
from securemail.testing import FaultProxy, MailServer
from securemail.throttle import Throttle
from tests.faults.scenes import LIMITS, USERS, Scene
from tests.faults.sweep import about_octets
from tests.watching.worlds import turns_until

PoolT = TypeVar("PoolT", bound=SessionPool)

_SOON: Final = 1e-9


@dataclass(slots=True)
class Bench:
    """A pool, its server, and who else uses it; `handed` are the sessions that it gave away."""

    scene: Scene
    server: MailServer
    proxy: FaultProxy
    pool: SessionPool
    handed: list[SecureSession[Any]] = field(default_factory=list)
    inside: int = 0
    others: list[asyncio.Task[None]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def account(self, user: str = USERS[0]) -> Account:
        return self.scene.account(self.proxy.endpoint, user)

    async def use(self, user: str = USERS[0]) -> None:
        """Lease a session, and ask its server something: the answer must be to that."""
        async with self.pool.session(self.account(user), self.scene.service) as session:
            self.handed.append(session)
            self.inside += 1
            await session.client.noop()
            self.inside -= 1

    async def hold(self, user: str = USERS[0]) -> None:
        """Lease a session until `release`."""
        async with self.pool.session(self.account(user), self.scene.service) as session:
            self.handed.append(session)
            await self.release.wait()

    async def somebody_else(self, what: Callable[[], Awaitable[None]]) -> None:
        async def doing() -> None:
            await what()

        self.others.append(asyncio.create_task(doing()))
        count = len(self.handed)
        await turns_until(lambda: len(self.handed) > count)


# --- where a pool can be when somebody comes, or goes


@dataclass(frozen=True, slots=True)
class Moment:
    """`prepare` brings the pool to it; `work` is what is cancelled."""

    limits: PoolLimits
    prepare: Callable[[Bench], Awaitable[None]]
    work: Callable[[Bench], Coroutine[Any, Any, None]] = Bench.use


async def _nothing(bench: Bench) -> None:
    """Begin with a pool that has no session."""


async def _dead(bench: Bench) -> None:
    await bench.use()
    bench.server.kill()


async def _used_up(bench: Bench) -> None:
    await bench.somebody_else(bench.hold)


async def _until_it_comes_back(bench: Bench) -> None:
    asyncio.get_running_loop().call_soon(bench.release.set)
    await bench.use()


async def _busy(bench: Bench) -> None:
    await bench.use()
    await bench.use(USERS[1])
    await bench.somebody_else(bench.hold)


MOMENTS: Final = {
    "connects": Moment(PoolLimits(maximum=1), _nothing),
    "asks whether it is alive": Moment(PoolLimits(maximum=2, check_after=_SOON), Bench.use),
    "finds it dead": Moment(PoolLimits(maximum=2, check_after=_SOON), _dead),
    "makes room": Moment(PoolLimits(maximum=1, per_host=1), lambda bench: bench.use(USERS[1])),
    "waits": Moment(PoolLimits(maximum=1), _used_up, _until_it_comes_back),
}
CLOSING: Final = Moment(PoolLimits(maximum=2), _busy, lambda bench: bench.pool.aclose())


# --- before and after


def pool_of(limits: PoolLimits, kind: Callable[..., PoolT]) -> PoolT:
    # A place that is lost in the throttle is then the only one.
    throttle = Throttle(per_host=1, in_all=1)
    backoff = Backoff(base=0.001, ceiling=0.001)
    return kind(limits, timeouts=LIMITS, throttle=throttle, backoff=backoff)


async def settled(bench: Bench) -> None:
    """See that nobody has a session that should not, and that the pool counts what there is."""
    bench.release.set()
    await asyncio.gather(*bench.others)
    numbers = bench.pool.statistics
    assert (numbers.leased, numbers.waiting) == (0, 0)
    assert numbers.poisoned == bench.inside
    assert len(bench.handed) == numbers.connected + numbers.reused
    alive = {id(each) for each in bench.handed if each.phase is Phase.AUTHENTICATED}
    assert len(alive) == numbers.idle
    # Both ends have closed what the pool does not count.
    await turns_until(lambda: bench.server.sessions == numbers.idle)


async def usable(bench: Bench, most: int) -> None:
    """Use as many sessions at once as there may be: each answers, and no place was lost."""
    async with AsyncExitStack() as stack:
        for _ in range(most if bench.scene.service is not Service.POP3 else 1):
            leased = bench.pool.session(bench.account(), bench.scene.service)
            await (await stack.enter_async_context(leased)).client.noop()


def octets(bench: Bench) -> list[str]:
    return [
        words
        for relayed in bench.proxy.connections
        for words in about_octets(relayed, bench.scene.service)
    ]
