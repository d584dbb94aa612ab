"""How many connections may be in the making."""

from __future__ import annotations

import asyncio

import pytest

from securemail import UsageError
from securemail.throttle import Throttle


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Connecting:
    """Tasks that hold a place until they are let go."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.inside: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, *names: str) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._connect(name))
            await settle()

    async def _connect(self, name: str) -> None:
        async with self.throttle.connecting(name[0]):
            self.inside.append(name)
            await self.ends[name].wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
            await self.tasks[name]
            await settle()


async def test_no_more_connect_to_one_host_than_may() -> None:
    connecting = Connecting(Throttle(per_host=2, in_all=10))
    await connecting.begin("a1", "a2", "a3", "b1")
    assert connecting.inside == ["a1", "a2", "b1"]
    assert connecting.throttle.in_flight == 3
    await connecting.end("a1")
    assert connecting.inside[3:] == ["a3"]
    await connecting.end("a2", "a3", "b1")
    assert (connecting.throttle.in_flight, connecting.throttle.peak) == (0, 3)


async def test_no_more_connect_in_all_than_may_and_they_come_in_order() -> None:
    connecting = Connecting(Throttle(per_host=2, in_all=2))
    await connecting.begin("a1", "b1", "c1", "d1")
    assert connecting.inside == ["a1", "b1"]
    await connecting.end("b1")
    await connecting.end("a1")
    assert connecting.inside == ["a1", "b1", "c1", "d1"]
    await connecting.end("c1", "d1")
    assert connecting.throttle.peak == 2


async def test_hosts_that_do_not_answer_keep_nobody_else_out() -> None:
    connecting = Connecting(Throttle(per_host=2, in_all=4))
    await connecting.begin("a1", "a2", "b1", "b2", "a3", "b3", "c1", "d1")
    assert connecting.inside == ["a1", "a2", "b1", "b2"]
    await connecting.end("a1")
    assert connecting.inside[4:] == ["c1"]
    await connecting.end("b1", "c1")
    assert connecting.inside[5:] == ["d1", "a3"]
    await connecting.end("d1", "a2", "a3", "b2", "b3")


async def test_hosts_that_have_equally_many_take_turns() -> None:
    connecting = Connecting(Throttle(per_host=1, in_all=1))
    await connecting.begin("a1", "a2", "a3", "b1", "b2")
    for name in ("a1", "a2", "b1", "a3"):
        assert connecting.inside[-1] == name
        await connecting.end(name)
    assert connecting.inside[-1] == "b2"
    await connecting.end("b2")


async def test_who_is_cancelled_in_the_moment_of_its_turn_gives_it_to_the_next() -> None:
    connecting = Connecting(Throttle(per_host=1, in_all=1))
    await connecting.begin("a1", "a2", "a3")
    connecting.tasks["a2"].cancel()
    connecting.ends["a1"].set()  # in one turn of the loop with the cancellation
    await connecting.end("a1")
    assert connecting.inside == ["a1", "a3"]
    connecting.ends["a3"].set()
    connecting.tasks["a3"].cancel()
    await asyncio.wait(connecting.tasks.values())
    assert connecting.throttle.in_flight == 0
    assert not connecting.throttle._hosts


async def test_whoever_is_cancelled_takes_no_place_away() -> None:
    connecting = Connecting(Throttle(per_host=1, in_all=1))
    await connecting.begin("a1", "a2", "a3")
    for name in ("a2", "a1"):
        connecting.tasks[name].cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting.tasks[name]
    await settle()
    assert connecting.inside == ["a1", "a3"]
    await connecting.end("a3")
    assert connecting.throttle.in_flight == 0


async def test_hosts_that_nobody_connects_to_are_forgotten() -> None:
    throttle = Throttle()
    async with throttle.connecting("a"):
        assert len(throttle._hosts) == 1
    assert not throttle._hosts


async def test_an_event_loop_has_one_for_all_who_are_given_none() -> None:
    assert Throttle.of_loop() is Throttle.of_loop()


def test_another_event_loop_has_another_one() -> None:
    async def mine() -> Throttle:
        return Throttle.of_loop()

    assert asyncio.run(mine()) is not asyncio.run(mine())


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None])
def test_a_throttle_wants_positive_numbers(limit: object) -> None:
    with pytest.raises(UsageError):
        Throttle(per_host=limit)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(UsageError):
        Throttle(in_all=limit)  # type: ignore[arg-type]  # that is the point
