# SPDX-License-Identifier: Apache-2.0
"""When the line drops, everyone who waits hears why, at once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from securemail import limits
from securemail.errors import ConnectError, ProtocolError, SecureMailError, TLSError
from securemail.transports.imap import IMAPClient, hand_over
from tests.transports.imap_line import Line, idling, settle


@pytest.fixture(autouse=True)
async def _nothing_is_left_over() -> AsyncIterator[None]:
    """Fail for a task that is left, and for an error that nobody looked at."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    yield
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


Call = Callable[[IMAPClient], Awaitable[object]]
COMMANDS: dict[str, Call] = {
    "sync": lambda client: client.select(),
    "async": lambda client: client.fetch("1", "ALL"),
    "unbounded": lambda client: client.protocol.store("1", "X"),
    "append": lambda client: client.append(b"message"),
    "idle": lambda client: client.idle(),
    "idle_start": lambda client: client.idle_start(),
    "push": lambda client: client.wait_server_push(),
    "queue": lambda client: client.protocol.idle_queue.get(),
    "begun": lambda client: client.protocol.wait_for_idle_response(),
    "state": lambda client: client.protocol.wait("LOGOUT"),
    "logout": lambda client: client.logout(),
}


async def lost(line: Line, *calls: Call, error: Exception | None = None) -> list[SecureMailError]:
    tasks = [asyncio.ensure_future(call(line.client)) for call in calls]
    await settle()
    line.drop(error)
    await settle()
    # At once: nothing but the loop's next steps was needed.
    assert all(task.done() for task in tasks)
    errors = [task.exception() for task in tasks]
    return [error for error in errors if isinstance(error, SecureMailError)]


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_drop_ends_every_wait(name: str) -> None:
    [error] = await lost(Line(), COMMANDS[name])
    assert isinstance(error, ConnectError)
    assert error.phase == "command"
    assert "imap.example.org:993" in str(error)


@pytest.mark.parametrize("name", COMMANDS)
async def test_the_transports_own_error_is_the_cause(name: str) -> None:
    alert = TLSError("imap.example.org:993: the server sent an alert", alert="bad_record_mac")
    [error] = await lost(Line(), COMMANDS[name], error=alert)
    assert isinstance(error, TLSError)
    assert error.alert == "bad_record_mac"
    assert str(alert) in str(error)
    assert error is not alert
    assert error.__cause__ is alert


async def test_a_foreign_error_becomes_one_of_ours() -> None:
    reset = ConnectionResetError("reset by peer")
    [error] = await lost(Line(), COMMANDS["sync"], error=reset)
    assert isinstance(error, ConnectError)
    assert "reset by peer" in str(error)
    assert error.__cause__ is reset


async def test_commands_that_wait_for_their_turn_hear_it_too() -> None:
    line = Line()
    # Of the synchronous ones, aioimaplib's lock lets in one at a time: here one after the other.
    assert len(await lost(line, *[COMMANDS["async"]] * 50, *[COMMANDS["sync"]] * 3)) == 53
    assert line.transport.take().count(b"\r\n") == 1


async def test_everyone_gets_an_error_of_his_own() -> None:
    errors = await lost(Line(), *[COMMANDS["push"], COMMANDS["async"]] * 5)
    assert len({id(error) for error in errors}) == 10


async def test_the_servers_last_words_are_told() -> None:
    line = Line()
    line.receive(b"* BYE [UNAVAILABLE] over\x1b[31m quota\x00 \xe2\x80\xae\xff\r\n")
    [error] = await lost(line, COMMANDS["async"])
    assert "[UNAVAILABLE] over\N{REPLACEMENT CHARACTER}[31m quota" in str(error)
    assert str(error).isprintable()


async def test_the_last_words_are_told_beside_the_transports_error() -> None:
    line = Line()
    line.receive(b"* bye autologout\r\n")
    [error] = await lost(line, COMMANDS["push"], error=TLSError("truncated"))
    assert "truncated" in str(error)
    assert "autologout" in str(error)


async def test_last_words_are_cut() -> None:
    line = Line()
    line.receive(b"* BYE " + b"x" * 10**6 + b"\r\n")
    [error] = await lost(line, COMMANDS["async"])
    assert str(error).count("x") in range(limits.WORDS_CHARS, limits.WORDS_CHARS + 5)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "state"])
async def test_later_calls_hear_it_at_once(name: str) -> None:
    line = Line()
    line.drop()
    for _ in range(2):
        task = asyncio.ensure_future(COMMANDS[name](line.client))
        await settle()
        assert isinstance(task.exception(), ConnectError)
    assert line.transport.take() == b""


async def test_an_end_of_file_ends_every_wait() -> None:
    line = Line()
    task = asyncio.ensure_future(line.client.noop())
    await settle()
    line.protocol.eof_received()
    with pytest.raises(ConnectError):
        await task
    line.drop()


async def test_the_first_reason_counts() -> None:
    line = Line()
    line.drop(TLSError("first"))
    line.drop(ConnectError("second", phase="command"))
    with pytest.raises(TLSError, match="first"):
        await line.client.noop()


async def test_pushes_are_delivered_before_the_error() -> None:
    line = Line()
    await idling(line)
    line.receive(b"* 1 EXISTS\r\n")
    line.receive(b"* 2 EXISTS\r\n* 3 EXIS")
    line.drop()
    assert await line.client.wait_server_push() == [b"1 EXISTS"]
    assert await line.client.wait_server_push() == [b"2 EXISTS"]
    for _ in range(2):
        with pytest.raises(ConnectError):
            await line.client.wait_server_push()


async def test_a_push_in_front_of_rubbish_is_delivered_too() -> None:
    line = Line()
    await idling(line)
    line.receive(b"* 1 EXISTS\r\nrubbish\r\n")
    assert await line.client.wait_server_push() == [b"1 EXISTS"]
    with pytest.raises(ProtocolError):
        await line.client.wait_server_push()


async def test_a_future_of_idle_that_nobody_awaits_makes_no_noise() -> None:
    line = Line()
    idle = await idling(line)
    line.drop()
    await settle()
    assert idle.done()
    assert not line.client.has_pending_idle()
    line.client.idle_done()
    del idle


async def test_no_timer_is_left() -> None:
    line = Line()
    await idling(line)
    line.drop()
    await settle()
    timer = line.client._idle_waiter
    assert timer is not None
    assert timer.cancelled()


async def test_a_close_after_logout_is_no_error_of_the_logout() -> None:
    line = Line()
    task = asyncio.ensure_future(line.client.logout())
    await settle()
    line.receive(b"* BYE logging out\r\nA0 OK LOGOUT completed\r\n")
    line.drop()
    answer = await task
    assert answer == ("OK", [b"BYE logging out", b"LOGOUT completed"])
    assert line.client.get_state() == "LOGOUT"
    await line.protocol.wait("LOGOUT")


async def test_a_line_that_was_down_at_the_hand_over_is_noticed() -> None:
    line = Line()
    line.transport.close()
    client = hand_over(
        line.transport, host="h", port=1, capabilities=frozenset(), early=b"", timeout_s=1
    )
    with pytest.raises(ConnectError):
        await client.noop()


async def test_the_programs_own_callback_is_called() -> None:
    line = Line()
    heard: list[object] = []
    line.protocol.conn_lost_cb = heard.append
    line.drop()
    assert heard == [None]
