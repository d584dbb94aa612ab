"""Commands and replies on a transport that takes what it likes."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from securemail.errors import ConnectError, DeadlineError, UnknownOutcome
from securemail.transports.exchange import DATA, Exchange
from securemail.wire.smtp import Answer, stuffed


class Line(asyncio.Transport):
    """A transport that keeps the last thing written, and answers as it is told."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__()
        self.exchange = Exchange(self, "mail.example.org:465")
        self.answers = list(answers)
        self.written = 0
        self.last = b""
        self.is_aborted = False
        self.takes_more = True
        self.stalled = asyncio.Event()

    def write(self, data: Any) -> None:
        self.last = bytes(data)
        self.written += len(self.last)
        loop = asyncio.get_running_loop()
        if self.last in (b"DATA\r\n", b".\r\n", b"NOOP\r\n"):
            if self.answers:
                loop.call_soon(self.exchange.data_received, self.answers.pop(0))
            return
        self.exchange.pause_writing()
        if self.takes_more:
            loop.call_soon(self.exchange.resume_writing)
        else:
            self.stalled.set()

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True

    close = abort

    async def deliver(self, message: Iterable[bytes], *, timeout_s: float = 5) -> Answer:
        async with self.exchange.turn:
            await self.exchange.flight([DATA], timeout_s=timeout_s)
            return await self.exchange.message(message, timeout_s=timeout_s, reply_s=5)


def pieces(made: list[int]) -> Iterator[bytes]:
    for number in range(10):
        made.append(number)
        yield b"x" * 1000 + b"\r\n"


async def test_30_megabytes_take_less_than_one_of_memory() -> None:
    line = Line(b"354 go\r\n", b"250 queued\r\n")
    big = (b"." * 76 + b"\r\n") * 400_000
    tracemalloc.start()
    try:
        answer = await line.deliver(stuffed(big))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.code == 250
    assert line.written > len(big)
    assert peak < 1024 * 1024


async def test_a_piece_is_made_when_the_socket_has_taken_the_one_before() -> None:
    line = Line(b"354 go\r\n")
    line.takes_more = False
    made: list[int] = []
    with pytest.raises(DeadlineError):
        await line.deliver(pieces(made), timeout_s=0.05)
    assert made == [0]
    assert line.is_aborted


async def test_a_line_that_drops_between_the_pieces_is_not_unknown() -> None:
    line = Line(b"354 go\r\n")
    line.takes_more = False
    sending = asyncio.create_task(line.deliver(pieces([])))
    await line.stalled.wait()
    line.exchange.connection_lost(None)
    with pytest.raises(ConnectError):
        await sending


async def test_no_piece_is_sent_after_an_answer_that_came_too_early() -> None:
    line = Line(b"354 go\r\n")
    line.takes_more = False
    sending = asyncio.create_task(line.deliver(pieces([])))
    await line.stalled.wait()
    line.exchange.data_received(b"552 5.3.4 too much\r\n")
    with pytest.raises(Exception, match=r"552 5\.3\.4 too much") as caught:
        await sending
    assert not isinstance(caught.value, UnknownOutcome)
    assert line.last != b".\r\n"


async def test_whoever_waits_for_his_turn_may_leave_and_the_connection_stays() -> None:
    line = Line()
    first = asyncio.create_task(line.exchange.ask(b"NOOP\r\n", timeout_s=5))
    second = asyncio.create_task(line.exchange.ask(b"NOOP\r\n", timeout_s=5))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    line.exchange.data_received(b"250 ok\r\n")
    assert (await first).code == 250
    assert not line.is_aborted


async def test_each_of_those_who_wait_gets_an_error_of_his_own() -> None:
    line = Line()
    tasks = [asyncio.create_task(line.exchange.ask(b"NOOP\r\n", timeout_s=5)) for _ in range(3)]
    await asyncio.sleep(0)
    line.exchange.connection_lost(OSError("gone"))
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, ConnectError) for error in errors)
    assert len({id(error) for error in errors}) == 3
    assert "gone" in str(errors[0])


async def test_goodbye_between_commands_is_what_the_next_one_hears() -> None:
    line = Line()
    line.exchange.data_received(b"421 4.4.2 idle for too long\r\n")
    with pytest.raises(ConnectError, match="idle for too long"):
        await line.exchange.ask(b"NOOP\r\n", timeout_s=5)
    assert line.last == b""


async def test_a_message_that_cannot_be_made_to_its_end_ends_the_session() -> None:
    """Otherwise the next command would be taken for more of the message."""

    def broken() -> Iterator[bytes]:
        yield b"half a message\r\n"
        raise RuntimeError("no more of it")

    line = Line(b"354 go\r\n")
    with pytest.raises(RuntimeError):
        await line.deliver(broken())
    assert line.is_aborted
    with pytest.raises(ConnectError, match="in the middle of a message"):
        await line.exchange.ask(b"NOOP\r\n", timeout_s=5)
