# SPDX-License-Identifier: Apache-2.0
"""What it costs to give a command up."""

from __future__ import annotations

import asyncio
import functools
import pickle
from collections.abc import Callable
from typing import Any

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
import pytest

from securemail.errors import ConnectError, DeadlineError
from securemail.transports.conversation import Conversation
from securemail.transports.pending import Pending
from tests.transports.imap_line import Line, MemoryTransport, begun, idling, settle


async def test_a_cancelled_command_ends_the_session() -> None:
    line = Line()
    fetch = await begun(line.client.fetch("1", "ALL"))
    others = [await begun(line.client.noop()), await begun(line.client.select())]
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    assert line.transport.is_aborted
    for other in others:
        with pytest.raises(ConnectError, match="FETCH was cancelled"):
            await other
    with pytest.raises(ConnectError, match="FETCH was cancelled"):
        await line.client.noop()


@pytest.mark.parametrize("name", ["noop", "select", "expunge"])
async def test_a_command_that_runs_out_of_time_ends_the_session(name: str) -> None:
    line = Line(timeout_s=0.01)
    with pytest.raises(DeadlineError, match=f"{name.upper()} took longer than 0.01 s") as caught:
        await getattr(line.client, name)()
    assert (caught.value.phase, caught.value.seconds) == ("command", 0.01)
    assert isinstance(caught.value, aioimaplib.CommandTimeout)  # what programs for it catch
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert line.transport.is_aborted
    with pytest.raises(ConnectError, match=name.upper()):
        await line.client.check()


@pytest.mark.parametrize("command", ["STORE", "COPY", "EXPUNGE"])
async def test_every_command_by_uid_has_a_time(command: str) -> None:
    line = Line(timeout_s=0.01)
    with pytest.raises(DeadlineError):
        await line.client.uid(command, "1", "x")
    assert line.transport.is_aborted


@pytest.mark.parametrize("name", ["fetch", "append"])
async def test_silence_ends_a_fetch_and_an_append(name: str) -> None:
    line = Line(timeout_s=0.01)
    args = {"fetch": ("1", "ALL"), "append": (b"message",)}[name]
    with pytest.raises(DeadlineError) as caught:
        await getattr(line.client, name)(*args)
    assert isinstance(caught.value, aioimaplib.CommandTimeout)
    assert line.transport.is_aborted
    with pytest.raises(ConnectError, match=f"{name.upper()} timed out after 0.01 s"):
        await line.client.noop()


class Clock:
    """A loop's clock and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.loop = asyncio.get_running_loop()

    def time(self) -> float:
        return self.now

    def call_later(
        self, delay: float, call: Callable[..., None], *args: Any
    ) -> asyncio.TimerHandle:
        self.timers.append((self.now + delay, functools.partial(call, *args)))
        return asyncio.TimerHandle(0, print, (), self.loop)

    def move(self, seconds: float) -> None:
        self.now += seconds
        due = [call for when, call in self.timers if when <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for call in due:
            call()


def fetching() -> tuple[Clock, MemoryTransport, Conversation, Pending]:
    """Return a conversation on a clock of our own, and a FETCH to ask in it."""
    clock, transport = Clock(), MemoryTransport()
    talk = Conversation("peer", clock)  # type: ignore[arg-type]  # all of a loop that it uses
    talk.attach(transport)
    pending = Pending(
        name="FETCH",
        tag="A0",
        slot="FETCH",
        is_sync=False,
        is_patient=True,
        wire=b"A0 FETCH\r\n",
        ended=clock.loop.create_future(),
        late=lambda *_: DeadlineError("late", phase="command", seconds=10),
    )
    return clock, transport, talk, pending


async def test_a_command_goes_on_as_long_as_the_server_does() -> None:
    clock, transport, talk, pending = fetching()
    task = await begun(talk.ask(pending, timeout_s=10))
    for n in range(100):
        clock.move(9)
        talk.receive(b"* %d FETCH (FLAGS ())\r\n" % n)
        assert len(clock.timers) == 1
    seen = []
    for seconds in (10, 10):  # the first one still sees the last line
        clock.move(seconds)
        seen.append(transport.is_aborted)
    assert seen == [False, True]
    with pytest.raises(TimeoutError, match="late"):
        await task


async def test_a_server_that_says_it_is_still_there_gets_no_more_time() -> None:
    clock, transport, talk, pending = fetching()
    task = await begun(talk.ask(pending, timeout_s=10))
    for _ in range(4):
        clock.move(5)
        talk.receive(b"* OK still here\r\n")
    assert transport.is_aborted
    with pytest.raises(TimeoutError, match="late"):
        await task


async def test_a_command_that_was_not_sent_can_be_given_up_for_nothing() -> None:
    line = Line()
    first = await begun(line.client.fetch("1", "ALL"))
    second = await begun(line.client.fetch("2", "ALL"))
    third = await begun(line.client.noop())
    second.cancel()
    await settle()
    line.receive(b"A0 OK done\r\nA2 OK done\r\n")
    await asyncio.gather(first, third)
    assert line.transport.take() == b"A0 FETCH 1 ALL\r\nA2 NOOP\r\n"
    assert not line.transport.is_aborted


@pytest.mark.parametrize("name", ["fetch", "noop", "select"])
async def test_a_cancellation_that_comes_with_the_answer_is_not_lost(name: str) -> None:
    line = Line()
    args = {"fetch": ("1", "ALL")}.get(name, ())
    command = await begun(getattr(line.client, name)(*args))
    line.receive(b"A0 OK done\r\n")
    command.cancel()
    with pytest.raises(asyncio.CancelledError):
        await command
    assert not line.transport.is_aborted


async def test_an_idle_that_does_not_begin_in_time_ends_the_session() -> None:
    line = Line(timeout_s=0.01)
    with pytest.raises(DeadlineError, match="IDLE"):
        await line.client.idle_start()
    assert line.transport.is_aborted


@pytest.mark.timeout(10)  # without the limit it would wait for ever
async def test_an_idle_that_the_server_does_not_end_in_time_ends_the_session() -> None:
    line = Line(timeout_s=0.01)
    idle = await idling(line)
    line.client.idle_done()
    with pytest.raises(DeadlineError, match="IDLE"):
        await idle
    assert line.transport.is_aborted


async def test_an_idle_may_be_silent_for_longer_than_a_command() -> None:
    clock, transport, talk, pending = fetching()
    pending.name, pending.is_sync = "IDLE", True
    task = await begun(talk.ask(pending, timeout_s=10))
    talk.receive(b"+ idling\r\n")
    for _ in range(9):
        clock.move(10)
    assert not transport.is_aborted
    talk.idle_done(timeout_s=10)
    clock.move(9)
    assert not transport.is_aborted
    talk.receive(b"A0 OK done\r\n")
    await task
