"""Cancelled at each await in a pool: no place is lost, and no session comes back broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import pytest

from securemail import Service, TLSMode, UsageError
from securemail.pool import PoolLimits, SessionPool
from securemail.pool.connector import Key
from securemail.testing import FaultProxy, MailServer
from tests.faults.clock import JumpingLoop, run
from tests.faults.pools import CLOSING, MOMENTS, Bench, Moment, octets, pool_of, settled, usable
from tests.faults.scenes import SCENES, Scene
from tests.faults.stepping import CancelledAt, When
from tests.faults.sweep import open_files
from tests.watching.worlds import turns_until

# Checks what is left, and whether there is a place behind this one.
Check = Callable[[Bench, "asyncio.Task[Any]"], Awaitable[None]]

WHEN = pytest.mark.parametrize("when", When, ids=lambda when: when.name)
PLAIN_SCENES: Final = [scene for scene in SCENES if scene.login == "PLAIN"]
# The others differ in what a session does, which its own sweep is about.
EACH_SCENE = [
    scene
    if (scene.service, scene.tls) == (Service.IMAP, TLSMode.IMPLICIT)
    else pytest.param(scene, marks=pytest.mark.full, id=str(scene))
    for scene in PLAIN_SCENES
]
KEPT_SCENES = [scene for scene in PLAIN_SCENES if scene.service is not Service.POP3]
# At each round what is too old is closed and what is missing connected.
KEPT_UP: Final = PoolLimits(maximum=2, minimum=2, maximum_age=0.02)


def _cancel_at_each(scene: Scene, moment: Moment, check: Check, when: When) -> int:
    """Return how often the work has waited: it was cancelled at each of these places."""

    async def all_places() -> int:
        async with scene.server() as server:
            number = 1
            while await _was_cancelled(server, scene, moment, check, (number, when)):
                number += 1
            return number - 1

    return run(all_places(), loop=JumpingLoop)


async def _was_cancelled(
    server: MailServer, scene: Scene, moment: Moment, check: Check, place: tuple[int, When]
) -> bool:
    before = open_files()
    async with FaultProxy(server.endpoint(scene.tls, scene.service)) as proxy:
        async with pool_of(moment.limits, SessionPool) as pool:
            bench = Bench(scene, server, proxy, pool)
            await moment.prepare(bench)
            steps = CancelledAt(moment.work(bench), *place)
            task = asyncio.ensure_future(_result(steps))
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
                assert steps.waits < place[0], f"lost the cancellation {place}"
            await check(bench, task)
        await _nothing_left(bench, before)
    return task.cancelled()


async def _result(steps: CancelledAt) -> Any:
    return await steps


async def _nothing_left(bench: Bench, files: set[str]) -> None:
    await bench.proxy.wait_quiet()
    await bench.server.wait_quiet()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await bench.proxy.aclose()
    assert open_files() == files
    assert octets(bench) == []


@WHEN
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("scene", EACH_SCENE, ids=str)
def test_who_uses_a_pool_can_be_cancelled_at_each_await(
    scene: Scene, moment: str, when: When
) -> None:
    async def check(bench: Bench, task: asyncio.Task[Any]) -> None:
        await settled(bench)
        await usable(bench, MOMENTS[moment].limits.maximum)

    assert _cancel_at_each(scene, MOMENTS[moment], check, when) >= 2


@WHEN
@pytest.mark.parametrize("scene", EACH_SCENE, ids=str)
def test_closing_a_pool_can_be_cancelled_at_each_await(scene: Scene, when: When) -> None:
    async def check(bench: Bench, task: asyncio.Task[Any]) -> None:
        await settled(bench)
        assert bench.pool.statistics.idle == 0
        with pytest.raises(UsageError):
            await bench.use()

    assert _cancel_at_each(scene, CLOSING, check, when) >= 2


class _KeptUp(SessionPool):
    """A pool whose upkeep is cancelled, as closing does it, where one of its parts waits."""

    place: tuple[int, When]
    waits = 0

    async def _close(self, key: Key, session: Any, *, is_poisoned: bool) -> None:
        await self._step(super()._close(key, session, is_poisoned=is_poisoned))

    async def _warm_up(self, key: Key, *, has_lost: bool) -> None:
        await self._step(super()._warm_up(key, has_lost=has_lost))

    async def _step(self, part: Coroutine[Any, Any, None]) -> None:
        number, when = self.place
        steps = CancelledAt(part, number - self.waits, when, whom=self._upkeep)
        try:
            await steps
        finally:
            self.waits += steps.waits


@pytest.mark.full
@WHEN
@pytest.mark.parametrize("scene", KEPT_SCENES, ids=str)
def test_the_upkeep_of_a_pool_can_be_cancelled_at_each_await(scene: Scene, when: When) -> None:
    async def all_places() -> int:
        async with scene.server() as server:
            number = 1
            while await _upkeep_was_cancelled(server, scene, (number, when)):
                number += 1
            return number - 1

    assert run(all_places(), loop=JumpingLoop) >= 6


async def _upkeep_was_cancelled(server: MailServer, scene: Scene, place: tuple[int, When]) -> bool:
    """Return whether there was such a place before the upkeep had closed and connected."""
    before = open_files()
    pool = pool_of(KEPT_UP, _KeptUp)
    pool.place = place
    async with FaultProxy(server.endpoint(scene.tls, scene.service)) as proxy:
        async with pool:
            bench = Bench(scene, server, proxy, pool)
            await bench.use()
            upkeep = pool._upkeep
            assert upkeep is not None
            await turns_until(lambda: upkeep.done() or pool.statistics.connected >= 4)
            was_cancelled = upkeep.done()
            assert not was_cancelled or upkeep.cancelled()
        await _nothing_left(bench, before)
    return was_cancelled
