"""An event that costs nothing while nobody waits, and is as good as asyncio's."""

from __future__ import annotations

import asyncio
import gc

from securemail.aio.bell import Bell


async def test_whoever_waits_is_woken_though_it_is_cleared_at_once() -> None:
    bell = Bell()
    waiting = [asyncio.ensure_future(bell.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    bell.set()
    bell.clear()
    await asyncio.gather(*waiting)
    assert not bell.is_set()


async def test_whoever_comes_while_it_is_set_does_not_wait() -> None:
    bell = Bell()
    bell.set()
    await bell.wait()
    assert bell.is_set()


async def test_whoever_comes_later_waits_for_the_next_time() -> None:
    bell = Bell()
    bell.set()
    bell.clear()
    late = asyncio.ensure_future(bell.wait())
    await asyncio.sleep(0)
    assert not late.done()
    bell.set()
    await late


async def test_one_that_is_cancelled_leaves_the_others_waiting() -> None:
    bell = Bell()
    first, second = (asyncio.ensure_future(bell.wait()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert not second.done()
    bell.set()
    await second


async def test_it_holds_no_event_unless_somebody_waits() -> None:
    bell = Bell()
    bell.set()
    bell.clear()
    assert not any(isinstance(each, asyncio.Event) for each in gc.get_referents(bell))
    waiting = asyncio.ensure_future(bell.wait())
    await asyncio.sleep(0)
    assert any(isinstance(each, asyncio.Event) for each in gc.get_referents(bell))
    bell.set()
    await waiting
    assert not any(isinstance(each, asyncio.Event) for each in gc.get_referents(bell))
