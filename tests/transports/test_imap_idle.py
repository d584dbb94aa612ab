# SPDX-License-Identifier: Apache-2.0
"""IDLE (RFC 2177): pushes, and the ways out of it."""

from __future__ import annotations

import asyncio

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
import pytest

from tests.transports.imap_line import Line, begun, idling, settle


async def test_an_idle_is_started_read_and_ended() -> None:
    line = Line()
    idle = await idling(line)
    assert line.client.has_pending_idle()
    line.receive(b"* 1 EXISTS\r\n* 1 RECENT\r\n")
    assert await line.client.wait_server_push() == [b"1 EXISTS", b"1 RECENT"]
    line.client.idle_done()
    line.receive(b"* 2 EXISTS\r\nA0 OK idled\r\n")
    assert await idle == ("OK", [b"idled"])
    assert line.transport.take() == b"A0 IDLE\r\nDONE\r\n"
    assert await line.client.wait_server_push() == [b"2 EXISTS"]
    assert not line.client.has_pending_idle()


async def test_an_idle_that_has_ended_is_no_answer_to_the_next_wait() -> None:
    line = Line()
    idle = await idling(line)
    await line.protocol.wait_for_idle_response()
    line.receive(b"A0 OK idled\r\n")
    await idle
    wait = await begun(line.protocol.wait_for_idle_response())
    assert not wait.done()
    wait.cancel()


async def test_a_push_with_a_literal_comes_in_one_piece() -> None:
    line = Line()
    idle = await idling(line)
    for chunk in (b"* 1 EXISTS\r\n* 1 FETCH (X {3}\r\n", b"ab", b"c", b")\r\n"):
        line.receive(chunk)
    assert await line.client.wait_server_push() == [b"1 EXISTS"]
    assert await line.client.wait_server_push() == [b"1 FETCH (X {3}", b"abc", b")"]
    line.receive(b"A0 OK idled\r\n")
    await idle


async def test_done_is_said_once_and_only_to_an_idle() -> None:
    line = Line()
    line.client.idle_done()
    assert line.transport.take() == b""
    idle = await idling(line)
    line.client.idle_done()
    line.client.idle_done()
    assert line.transport.take() == b"A0 IDLE\r\nDONE\r\n"
    line.receive(b"A0 OK idled\r\n")
    await idle


async def test_a_push_wait_can_be_given_up_for_nothing() -> None:
    line = Line()
    idle = await idling(line)
    wait = await begun(line.client.wait_server_push())
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    with pytest.raises(TimeoutError):
        await line.client.wait_server_push(timeout=0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.client.wait_server_push(), 0.001)
    line.receive(b"* 1 EXISTS\r\n")
    assert await line.client.wait_server_push() == [b"1 EXISTS"]
    line.receive(b"A0 OK idled\r\n")
    await idle
    assert not line.transport.is_aborted


async def test_a_push_is_not_lost_with_the_one_who_waited_for_it() -> None:
    line = Line()
    idle = await idling(line)
    waits = [await begun(line.client.wait_server_push()) for _ in range(2)]
    line.receive(b"* 1 EXISTS\r\n")
    waits[0].cancel()
    assert await waits[1] == [b"1 EXISTS"]
    line.receive(b"A0 OK idled\r\n")
    await idle


@pytest.mark.parametrize("sent", [True, False])
async def test_an_idle_start_that_is_cancelled_leaves_no_task(sent: bool) -> None:
    line = Line()
    noop = None if sent else await begun(line.client.noop())
    before = asyncio.all_tasks()
    start = await begun(line.client.idle_start())
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert asyncio.all_tasks() == before
    assert line.transport.is_aborted is sent
    if noop is not None:
        line.receive(b"A0 OK done\r\n")
        await noop


@pytest.mark.parametrize("turns", range(6))
async def test_an_idle_start_that_is_cancelled_never_leaves_an_idle_behind(turns: int) -> None:
    line = Line()
    start = await begun(line.client.idle_start())
    line.receive(b"+ idling\r\n")
    for _ in range(turns):
        await asyncio.sleep(0)
    start.cancel()
    await asyncio.wait([start])
    # Nobody has the future of an IDLE that would go on, nor would any other command get its turn.
    assert line.transport.is_aborted == start.cancelled()
    if not start.cancelled():
        line.receive(b"A0 OK idled\r\n")
        await start.result()


async def test_a_refused_idle_is_aioimaplibs_abort() -> None:
    line = Line()
    start = await begun(line.client.idle_start())
    line.receive(b"A0 BAD what\r\n")
    with pytest.raises(aioimaplib.Abort, match="error to IDLE"):
        await start
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_idle_that_the_server_does_not_offer_says_so() -> None:
    line = Line()
    line.protocol.capabilities = {"IMAP4REV1"}
    with pytest.raises(aioimaplib.Abort, match="IDLE capability"):
        await line.client.idle_start()


async def test_an_idle_that_is_not_renewed_stops_the_wait() -> None:
    line = Line()
    idle = await idling(line, seconds=0)
    assert await line.client.wait_server_push() == aioimaplib.STOP_WAIT_SERVER_PUSH
    assert await line.client.stop_wait_server_push()
    assert await line.client.wait_server_push() == aioimaplib.STOP_WAIT_SERVER_PUSH
    line.receive(b"A0 OK idled\r\n")
    await idle
    assert not await line.client.stop_wait_server_push()


async def test_a_second_idle_begins_when_the_first_has_ended() -> None:
    line = Line()
    first = await idling(line)
    start = await begun(line.client.idle_start())
    assert not start.done()
    line.client.idle_done()
    line.receive(b"A0 OK idled\r\n")
    await first
    await settle()
    assert not start.done()
    line.receive(b"+ idling\r\n")
    second = await start
    line.receive(b"A1 OK idled\r\n")
    await second


async def test_an_idle_that_has_ended_leaves_no_timer_behind() -> None:
    line = Line()
    idle = await idling(line)
    line.receive(b"A0 OK done\r\n")
    await idle
    assert line.client._idle_waiter is not None
    assert line.client._idle_waiter.cancelled()
