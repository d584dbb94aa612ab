"""An event that costs nothing while nobody waits, and is as good as asyncio's."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

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


async def test_it_holds_nothing_unless_somebody_waits() -> None:
    bell = Bell()
    bell.set()
    bell.clear()
    assert not _held_by(bell)
    waiting = asyncio.ensure_future(bell.wait())
    await asyncio.sleep(0)
    assert _held_by(bell)
    bell.set()
    await waiting
    assert not _held_by(bell)


def _held_by(bell: Bell) -> list[object]:
    """Return what it has, but for its class, its flag and an empty tuple."""
    return [each for each in gc.get_referents(bell) if each not in (Bell, True, False, ())]


async def test_whoever_waits_for_a_time_goes_on_when_it_is_over() -> None:
    bell = Bell()
    patient = asyncio.ensure_future(bell.wait())
    await bell.wait(0)
    assert not patient.done()
    assert not bell.is_set()
    bell.set()
    await patient


async def test_whoever_is_woken_in_time_leaves_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    bell, loop = Bell(), asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_later = loop.call_later

    def noted(delay: float, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        timers.append(call_later(delay, callback, *args))
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", noted)
    waiting = asyncio.ensure_future(bell.wait(3600))
    await asyncio.sleep(0)
    bell.set()
    await waiting
    assert [timer.cancelled() for timer in timers] == [True]
