# SPDX-License-Identifier: Apache-2.0
"""When a POP3 line drops, or somebody stops waiting: who hears of it, and what is left."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from securemail.errors import ConnectError, DeadlineError, ProtocolError, SecureMailError, TLSError
from securemail.transports.pop3 import POP3Client
from tests.transports.imap_line import begun, settle
from tests.transports.pop3_line import PEER, Line

Call = Callable[[POP3Client], Awaitable[object]]


async def _all(messages: AsyncIterator[bytes]) -> list[bytes]:
    return [message async for message in messages]


CALLS: dict[str, Call] = {
    "stat": lambda client: client.stat(),
    "list": lambda client: client.list(),
    "retr": lambda client: client.retr(1),
    "stream": lambda client: _all(client.retr_stream(1)),
    "many": lambda client: _all(client.retr_many(range(1, 100))),
    "dele": lambda client: client.dele(1),
    "quit": lambda client: client.quit(),
}


@pytest.fixture(autouse=True)
async def _nothing_is_left_over() -> AsyncIterator[None]:
    """Fail for an error that nobody looked at."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    yield
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.mark.parametrize("name", CALLS)
async def test_a_drop_ends_every_wait_at_once(name: str) -> None:
    line = Line()
    task = await begun(CALLS[name](line.client))
    line.drop()
    await settle()
    assert task.done()
    with pytest.raises(ConnectError, match=PEER):
        await task


async def test_all_queued_commands_hear_the_cause_each_as_an_error_of_its_own() -> None:
    line = Line()
    tasks = [await begun(call(line.client)) for call in CALLS.values()]
    alert = TLSError("an alert", alert="bad_record_mac")
    line.drop(alert)
    await settle()
    errors = [task.exception() for task in tasks]
    assert all(isinstance(error, TLSError) and error.alert for error in errors)
    assert len(set(map(id, errors))) == len(errors)
    assert all(error is not None and error.__cause__ is alert for error in errors)


async def test_the_end_of_input_is_the_end() -> None:
    line = Line()
    task = await begun(line.client.noop())
    line.pipeline.eof_received()
    with pytest.raises(ConnectError):
        await task


async def test_whoever_comes_later_hears_the_same() -> None:
    line = Line()
    line.drop()
    for call in CALLS.values():
        with pytest.raises(ConnectError):
            await call(line.client)


@pytest.mark.parametrize("name", CALLS)
async def test_a_cancelled_command_ends_the_session(name: str) -> None:
    line = Line()
    task = await begun(CALLS[name](line.client))
    queued = await begun(line.client.noop())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert line.transport.is_closing()
    with pytest.raises(ConnectError):
        await queued


async def test_a_command_that_waits_for_its_turn_may_be_cancelled() -> None:
    line = Line(capabilities=frozenset())
    first = await begun(line.client.noop())
    second = await begun(line.client.dele(1))
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    line.receive(b"+OK\r\n")
    await first
    assert line.transport.take() == b"NOOP\r\n"
    assert not line.transport.is_closing()


@pytest.mark.parametrize("name", CALLS)
async def test_silence_ends_in_a_deadline_error(name: str) -> None:
    line = Line(timeout_s=0.02)
    task = await begun(CALLS[name](line.client))
    with pytest.raises(DeadlineError) as caught:
        await task
    assert caught.value.seconds == 0.02
    assert line.transport.is_aborted
    with pytest.raises(ConnectError):
        await line.client.noop()


async def test_a_message_may_take_its_time_as_long_as_it_comes() -> None:
    line = Line(timeout_s=0.3)
    task = await begun(line.client.retr(1))
    line.receive(b"+OK\r\n")
    for _ in range(8):
        await asyncio.sleep(0.06)
        line.receive(b"x\r\n")
    line.receive(b".\r\n")
    assert await task == b"x\r\n" * 8


async def test_a_status_line_may_not() -> None:
    line = Line(timeout_s=0.1)
    task = await begun(line.client.retr(1))
    for octet in itertools.cycle(b"+OK"):
        if task.done():
            break
        line.receive(bytes([octet]))
        await asyncio.sleep(0.01)
    with pytest.raises(DeadlineError):
        await task


async def test_a_program_that_takes_its_time_with_a_stream_is_not_late() -> None:
    line = Line(timeout_s=0.02)
    pieces = line.client.retr_stream(1)
    first = await begun(anext(pieces))
    line.receive(b"+OK\r\none\r\n")
    await first
    await asyncio.sleep(0.1)
    last = await begun(_all(pieces))
    line.receive(b"two\r\n.\r\n")
    assert await last == [b"\r\ntwo\r\n"]


async def test_a_command_that_waits_for_a_stream_that_nobody_reads_is_told_so() -> None:
    line = Line(timeout_s=0.02)
    pieces = line.client.retr_stream(1)
    first = await begun(anext(pieces))
    line.receive(b"+OK\r\none\r\n")
    await first
    with pytest.raises(ConnectError, match="RETR timed out"):
        await line.client.noop()
    with pytest.raises(DeadlineError, match="nobody reads"):
        await _all(pieces)


@pytest.mark.parametrize(
    ("stray", "kind"),
    [
        (b"+OK\r\n", ProtocolError),
        (b"-ERR autologout\r\n", ConnectError),
        (b"x\r\n", ProtocolError),
    ],
)
async def test_a_reply_that_nobody_asked_for_ends_the_session(
    stray: bytes, kind: type[SecureMailError]
) -> None:
    line = Line()
    line.receive(stray)
    assert line.transport.is_aborted
    with pytest.raises(kind):
        await line.client.noop()
    assert line.transport.take() == b""


async def test_half_a_reply_before_the_command_ends_the_session() -> None:
    line = Line()
    line.receive(b"+O")
    with pytest.raises(ProtocolError):
        await line.client.noop()
    assert line.transport.take() == b""


async def test_a_reply_that_came_with_the_one_before_is_not_taken_for_the_next_commands() -> None:
    line = Line(capabilities=frozenset())
    first = await begun(line.client.noop())
    second = await begun(line.client.dele(1))
    line.receive(b"+OK\r\n+OK\r\n")
    await first
    with pytest.raises(ProtocolError, match="did not send"):
        await second
    assert line.transport.take() == b"NOOP\r\n"


async def test_quit_is_not_sent_before_all_else_is_answered() -> None:
    line = Line()
    retr = await begun(line.client.retr(1))
    leave = await begun(line.client.quit())
    line.drop()
    for task in (retr, leave):
        with pytest.raises(ConnectError):
            await task
    assert line.transport.take() == b"RETR 1\r\n"


async def test_names_and_sizes_are_all_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line = Line()
    task = await begun(line.client.retr(12345))
    line.receive(b"+OK secret words\r\nsecret\r\n.\r\n")
    await task
    line.drop(ConnectionResetError("secret"))
    assert "RETR: 8 bytes" in caplog.text
    assert {record.name for record in caplog.records} >= {"securemail.transports.pop3"}
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("securemail")]
    assert not [message for message in ours if "secret" in message or "12345" in message]


async def test_a_request_shows_nothing_of_its_content() -> None:
    line = Line()
    task = await begun(line.client.retr(12345))
    line.receive(b"+OK secret\r\nsecret\r\n")
    shown = repr(line.pipeline._sent)
    assert "RETR" in shown
    assert "12345" not in shown
    assert "secret" not in shown
    line.drop()
    with pytest.raises(ConnectError):
        await task


@pytest.mark.parametrize("early", [b"garbage", b"+OK 1 2", b"+"])
async def test_a_line_that_begins_before_the_next_command_is_sent_ends_the_session(
    early: bytes,
) -> None:
    line = Line(capabilities=frozenset())
    first = await begun(line.client.noop())
    queued = await begun(line.client.stat())
    line.transport.take()
    line.receive(b"+OK\r\n" + early)
    await first
    line.receive(b"+OK 3 4\r\n")
    with pytest.raises(ProtocolError, match="nobody had asked"):
        await queued
    assert line.transport.take() == b""
