"""Time limits, without waiting for them."""

from __future__ import annotations

import asyncio

import pytest

from securemail import DeadlineError, Timeouts
from securemail.aio.clock import Clock

NEVER = 3600.0


async def test_a_phase_that_takes_too_long_is_named() -> None:
    clock = Clock(Timeouts(tls=0.001))
    with pytest.raises(DeadlineError, match=r"shaking hands took longer than 0\.001 s") as caught:
        async with clock.limit("tls", "shaking hands"):
            await asyncio.sleep(NEVER)
    assert (caught.value.phase, caught.value.seconds) == ("tls", 0.001)
    assert isinstance(caught.value, TimeoutError)


async def test_the_limit_for_all_phases_cuts_one_short() -> None:
    clock = Clock(Timeouts(total=0.001))
    clock.start()
    with pytest.raises(DeadlineError) as caught:
        async with clock.limit("tls", "shaking hands"):
            await asyncio.sleep(NEVER)
    assert caught.value.seconds == 0.001


async def test_after_stop_only_the_limit_of_the_phase_counts() -> None:
    clock = Clock(Timeouts(total=0.001))
    clock.start()
    clock.stop()
    async with clock.limit("tls", "shaking hands"):
        await asyncio.sleep(0.01)


async def test_somebody_elses_timeout_is_not_taken_for_ours() -> None:
    with pytest.raises(TimeoutError) as caught:
        async with Clock(Timeouts()).limit("tls", "shaking hands"):
            raise TimeoutError("not ours")
    assert not isinstance(caught.value, DeadlineError)


async def test_a_cancellation_is_not_taken_for_a_timeout() -> None:
    async def work() -> None:
        async with Clock(Timeouts()).limit("tls", "shaking hands"):
            await asyncio.sleep(NEVER)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
