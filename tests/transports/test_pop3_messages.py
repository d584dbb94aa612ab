# SPDX-License-Identifier: Apache-2.0
"""Messages: whole, piece by piece, and many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from securemail import limits
from securemail.errors import CommandError, ConnectError, LimitExceeded
from securemail.transports.pop3 import POP3Client
from tests.transports.imap_line import begun, settle
from tests.transports.pop3_line import Line

MESSAGE = b"A: b\r\n\r\n.\r\n..\r\n\xff\r\n"
ANSWER = b"+OK 19 octets\r\nA: b\r\n\r\n..\r\n...\r\n\xff\r\n.\r\n"
NO_PIPELINING = frozenset({"TOP"})


async def all_of(messages: AsyncIterator[bytes]) -> list[bytes]:
    return [message async for message in messages]


async def test_a_message_is_the_same_in_any_pieces() -> None:
    for cut in range(1, len(ANSWER)):
        line = Line()
        task = await begun(line.client.retr(1))
        line.receive(ANSWER[:cut])
        line.receive(ANSWER[cut:])
        assert await task == MESSAGE


@pytest.mark.parametrize("cut", range(len(ANSWER)))
async def test_an_answer_that_is_cut_is_always_an_error(cut: int) -> None:
    line = Line()
    whole = await begun(line.client.retr(1))
    line.receive(ANSWER[:cut])
    line.drop()
    with pytest.raises(ConnectError):
        await whole
    line = Line()
    streamed = await begun(all_of(line.client.retr_stream(1)))
    line.receive(ANSWER[:cut])
    line.drop()
    with pytest.raises(ConnectError):
        await streamed


# --- streams


async def test_a_stream_brings_the_pieces_as_they_come() -> None:
    line = Line()
    pieces = line.client.retr_stream(1)
    first = await begun(anext(pieces))
    line.receive(b"+OK\r\n")
    await settle()
    assert not first.done()
    line.receive(b"one\r\n..t")
    assert await first == b"one\r\n.t"
    second = await begun(anext(pieces))
    line.receive(b"wo\r\n.\r\n")
    assert await second == b"wo\r\n"
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


async def test_nothing_is_read_while_nobody_takes_what_has_come() -> None:
    line = Line()
    paused = []
    pieces = line.client.retr_stream(1)
    first = await begun(anext(pieces))
    paused.append(line.transport.is_paused)
    line.receive(b"+OK\r\none\r\n")
    paused.append(line.transport.is_paused)
    assert await first == b"one"
    await settle()
    paused.append(line.transport.is_paused)
    second = await begun(anext(pieces))
    paused.append(line.transport.is_paused)
    line.receive(b"two\r\n.\r\n")
    assert await second == b"\r\ntwo\r\n"
    assert paused == [False, True, True, False]
    await pieces.aclose()


async def test_what_came_before_the_socket_was_left_alone_is_one_piece() -> None:
    line = Line()
    pieces = line.client.retr_stream(1)
    first = await begun(anext(pieces))
    line.receive(b"+OK\r\none\r\n")
    line.receive(b"two\r\n")
    assert await first == b"one\r\ntwo"
    await pieces.aclose()


async def test_other_commands_wait_for_the_end_of_a_stream() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_stream(1)))
    noop = await begun(line.client.noop())
    assert line.transport.take() == b"RETR 1\r\n"
    line.receive(b"+OK\r\none\r\n.\r\n")
    assert await task == [b"one\r\n"]
    assert line.transport.take() == b"NOOP\r\n"
    line.receive(b"+OK\r\n")
    await noop


async def test_a_stream_that_is_left_early_passes_unread_and_the_session_goes_on() -> None:
    line = Line()
    async with aclosing(line.client.retr_stream(1)) as pieces:
        first = await begun(anext(pieces))
        line.receive(b"+OK\r\none\r\n")
        await first
    assert not line.transport.is_paused
    noop = await begun(line.client.noop())
    line.receive(b"two\r\n+OK\r\n.\r\n")
    assert not line.transport.is_paused
    line.receive(b"+OK\r\n")
    await noop


async def test_a_stream_that_was_not_begun_sends_nothing() -> None:
    line = Line()
    await line.client.retr_stream(1).aclose()
    assert line.transport.take() == b""


async def test_a_refused_stream_is_a_command_error() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_stream(9)))
    line.receive(b"-ERR no such message\r\n")
    with pytest.raises(CommandError):
        await task


async def test_a_stream_that_is_cancelled_ends_the_session() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_stream(1)))
    line.receive(b"+OK\r\none\r\n")
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert line.transport.is_aborted


# --- many


def answers(numbers: range) -> bytes:
    return b"".join(b"+OK\r\nmessage %d\r\n.\r\n" % number for number in numbers)


async def test_many_messages_come_in_the_order_asked_for() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_many(iter([3, 1, 2]))))
    assert line.transport.take() == b"RETR 3\r\nRETR 1\r\nRETR 2\r\n"
    line.receive(b"".join(map(answers, (range(3, 4), range(1, 3)))))
    assert await task == [b"message 3\r\n", b"message 1\r\n", b"message 2\r\n"]


async def test_none_of_many_is_nothing() -> None:
    line = Line()
    assert await all_of(line.client.retr_many([])) == []
    assert line.transport.take() == b""


async def test_without_pipelining_one_command_is_on_its_way_at_a_time() -> None:
    line = Line(capabilities=NO_PIPELINING)
    task = await begun(all_of(line.client.retr_many([1, 2, 3])))
    for number in (1, 2, 3):
        assert line.transport.take() == b"RETR %d\r\n" % number
        line.receive(answers(range(number, number + 1)))
        await settle()
    assert len(await task) == 3


async def serve(line: Line, message: bytes) -> int:
    """Answer all that was sent; return the most that was on its way at once."""
    most = 0
    while sent := line.transport.take().count(b"\r\n"):
        most = max(most, sent)
        line.receive((b"+OK\r\n" + message + b".\r\n") * sent)
        await settle()
    return most


async def test_the_window_is_bounded() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_many(range(1, 500))))
    assert await serve(line, b"small\r\n") == limits.POP3_WINDOW
    assert len(await task) == 499


async def test_large_messages_are_asked_for_one_at_a_time() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_many(range(1, 20))))
    large = b"x" * limits.POP3_WAITING_BYTES + b"\r\n"
    assert line.transport.take().count(b"\r\n") == 4
    line.receive((b"+OK\r\n" + large + b".\r\n") * 4)
    await settle()
    assert await serve(line, large) == 1
    assert len(await task) == 19


async def test_nothing_more_is_asked_for_than_is_taken() -> None:
    line = Line()
    messages = line.client.retr_many(range(1, 500))
    first = await begun(anext(messages))
    assert await serve(line, b"small\r\n") <= limits.POP3_WINDOW
    await first
    await settle()
    assert line.transport.take() == b""
    await messages.aclose()


async def test_a_message_may_be_deleted_while_others_are_on_their_way() -> None:
    line = Line()

    async def work(client: POP3Client) -> int:
        number = 0
        async for _ in client.retr_many(range(1, 101)):
            number += 1
            await client.dele(number)
        return number

    task = await begun(work(line.client))
    sent: list[bytes] = []
    while lines := line.transport.take().splitlines():
        sent += lines
        for command in lines:
            line.receive(b"+OK\r\nx\r\n.\r\n" if command.startswith(b"RETR") else b"+OK\r\n")
        await settle()
    assert await task == 100
    assert sorted(sent) == sorted(
        b"%b %d" % (name, number) for name in (b"RETR", b"DELE") for number in range(1, 101)
    )


async def test_the_first_refusal_ends_the_iteration_and_not_the_session() -> None:
    line = Line()
    task = await begun(all_of(line.client.retr_many([1, 2, 3])))
    line.receive(answers(range(1, 2)) + b"-ERR gone\r\n")
    with pytest.raises(CommandError):
        await task
    noop = await begun(line.client.noop())
    line.receive(answers(range(3, 4)) + b"+OK\r\n")
    await noop


async def test_an_iteration_that_is_left_early_lets_the_rest_pass() -> None:
    line = Line()
    async with aclosing(line.client.retr_many(range(1, 100))) as messages:
        first = await begun(anext(messages))
        line.receive(answers(range(1, 3)))
        assert await first == b"message 1\r\n"
    sent = line.transport.take().count(b"\r\n")
    stat = await begun(line.client.stat())
    line.receive(answers(range(3, sent + 1)) + b"+OK 1 2\r\n")
    assert (await stat).messages == 1
    assert line.pipeline._held == 0


async def test_all_that_waits_to_be_taken_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES", 100)
    line = Line()
    messages = line.client.retr_many(range(1, 10))
    first = await begun(anext(messages))
    line.receive((b"+OK\r\n" + b"x" * 40 + b"\r\n.\r\n") * 2)
    line.receive(b"+OK\r\n" + b"x" * 40 + b"\r\n.\r\n")
    with pytest.raises(LimitExceeded):
        await line.client.noop()
    await first
    await messages.aclose()
    assert line.transport.is_aborted
