# SPDX-License-Identifier: Apache-2.0
"""Commands: who goes first, and what is sent."""

from __future__ import annotations

import asyncio
import gc

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
import pytest

from securemail.errors import ProtocolError
from tests.transports.imap_line import Line, begun

# Whose turn it is


async def test_commands_of_different_answers_run_together() -> None:
    line = Line()
    tasks = [
        await begun(line.client.fetch("1", "ALL")),
        await begun(line.client.noop()),
        await begun(line.client.list('""', "*")),
    ]
    assert line.transport.take() == b'A0 FETCH 1 ALL\r\nA1 NOOP\r\nA2 LIST "" *\r\n'
    line.receive(b"A2 OK c\r\nA0 OK a\r\nA1 OK b\r\n")
    assert [(await task).lines for task in tasks] == [[b"a"], [b"b"], [b"c"]]


async def test_commands_of_the_same_answer_run_one_after_the_other() -> None:
    line = Line()
    tasks = [await begun(line.client.fetch(str(n), "ALL")) for n in range(3)]
    tasks.append(await begun(line.client.store("1", "+FLAGS", "x")))
    for n in range(4):
        assert line.transport.take().startswith(b"A%d " % n)
        line.receive(b"* %d FETCH ()\r\nA%d OK done\r\n" % (n, n))
    assert [(await task).lines[0] for task in tasks] == [b"%d FETCH ()" % n for n in range(4)]


async def test_all_who_wait_behind_a_lone_command_go_one_after_the_other() -> None:
    line = Line()
    tasks = [await begun(line.client.subscribe(f"box{n}")) for n in range(4)]
    for n in range(4):
        assert line.transport.take() == b"A%d SUBSCRIBE box%d\r\n" % (n, n)
        line.receive(b"A%d OK done %d\r\n" % (n, n))
    assert [(await task).lines for task in tasks] == [[b"done %d" % n] for n in range(4)]


async def test_a_lone_command_waits_until_the_others_have_ended() -> None:
    line = Line()
    tasks = [
        await begun(line.client.noop()),
        await begun(line.client.check()),
        await begun(line.client.select("box")),
        await begun(line.client.list('""', "*")),
    ]
    line.receive(b"A0 OK a\r\n")
    assert line.transport.take() == b"A0 NOOP\r\nA1 CHECK\r\n"
    line.receive(b"A1 OK b\r\n")
    assert line.transport.take() == b"A2 SELECT box\r\n"
    line.receive(b"A2 OK c\r\n")
    assert line.transport.take() == b'A3 LIST "" *\r\n'
    line.receive(b"A3 OK d\r\n")
    assert [(await task).result for task in tasks] == ["OK"] * 4


async def test_pending_commands_can_be_waited_for() -> None:
    line = Line()
    noop = await begun(line.client.noop())
    wait = await begun(line.protocol.wait_async_pending_commands())
    assert not wait.done()
    line.receive(b"A0 OK done\r\n")
    await wait
    await noop
    await line.protocol.wait_async_pending_commands()


async def test_the_state_follows_select_close_and_logout() -> None:
    line = Line(state="AUTH")
    seen: list[str] = []
    for work in (line.client.select, line.client.close, line.client.logout):
        task = await begun(work())
        line.receive(b"A%d OK done\r\n" % len(seen))
        await task
        seen.append(line.client.get_state())
    assert seen == ["SELECTED", "AUTH", "LOGOUT"]


async def test_a_command_in_the_wrong_state_is_aioimaplibs_abort() -> None:
    line = Line(state="AUTH")
    with pytest.raises(aioimaplib.Abort, match="FETCH illegal in state AUTH"):
        await line.client.fetch("1", "ALL")
    with pytest.raises(aioimaplib.Abort, match="LOGIN illegal"):
        await line.client.login("a", "b")
    assert line.transport.take() == b""


async def test_the_greeting_needs_no_wait() -> None:
    line = Line(state="AUTH")
    await line.client.wait_hello_from_server()
    assert isinstance(line.client, aioimaplib.IMAP4)
    assert isinstance(line.protocol, aioimaplib.IMAP4ClientProtocol)
    assert line.client.has_capability("IDLE")
    assert line.protocol.imap_version == "IMAP4REV1"


@pytest.mark.parametrize("mailbox", ["a\r\nA9 LOGOUT", "a\nb", "a\0b"])
async def test_an_argument_cannot_hold_a_second_command(mailbox: str) -> None:
    line = Line()
    for work in (line.client.select(mailbox), line.client.append(b"x", mailbox)):
        with pytest.raises(ValueError, match="not allowed"):
            await work
    assert line.transport.take() == b""


async def test_an_argument_that_cannot_be_sent_blocks_nobody() -> None:
    line = Line()
    with pytest.raises(UnicodeEncodeError):
        await line.client.status("\ud800", "(MESSAGES)")
    status = await begun(line.client.status("Entwürfe", "(MESSAGES)"))
    assert line.transport.take() == "A1 STATUS Entwürfe (MESSAGES)\r\n".encode()
    line.receive(b"A1 OK done\r\n")
    await status


async def test_an_answer_that_was_fetched_is_held_no_longer() -> None:
    line = Line(timeout_s=1000)
    task = await begun(line.client.fetch("1", "ALL"))
    line.receive(b"* 1 FETCH (X {1}\r\na)\r\nA0 OK done\r\n")
    answer = await task
    gc.collect()
    assert [holder for holder in gc.get_referrers(answer.lines) if holder is not answer] == []


async def test_a_command_that_ended_leaves_no_timer() -> None:
    line = Line(timeout_s=1000)
    task = await begun(line.client.fetch("1", "ALL"))
    line.receive(b"A0 OK done\r\n")
    await task
    timers = line.protocol.loop._scheduled
    assert [timer for timer in timers if not timer.cancelled()] == []


# APPEND


async def test_an_append_sends_its_message_on_the_continuation() -> None:
    line = Line()
    message = bytes(20 * 1024 * 1024)
    task = await begun(line.client.append(message, "box", "\\Seen", '"date"'))
    assert line.transport.take() == b'A0 APPEND box (\\Seen) "date" {20971520}\r\n'
    line.receive(b"+ go\r\n")
    assert line.transport.take() == message + b"\r\n"
    line.receive(b"A0 OK [APPENDUID 1 2] done\r\n")
    assert await task == ("OK", [b"[APPENDUID 1 2] done"])
    assert line.protocol.literal_data is None


async def test_an_append_may_be_refused_before_its_message_is_sent() -> None:
    line = Line()
    task = await begun(line.client.append(b"message"))
    line.transport.take()
    line.receive(b"A0 NO [TRYCREATE] no such mailbox\r\n")
    assert (await task).result == "NO"
    assert line.transport.take() == b""
    line.receive(b"+ go\r\n")
    with pytest.raises(ProtocolError):
        await line.client.noop()


async def test_two_appends_send_each_their_own_message() -> None:
    line = Line()
    tasks = [await begun(line.client.append(message)) for message in (b"first", b"second")]
    sent = []
    for n in range(2):
        line.transport.take()
        line.receive(b"+ go\r\n")
        sent.append(line.transport.take())
        line.receive(b"A%d OK done\r\n" % n)
    assert sent == [b"first\r\n", b"second\r\n"]
    await asyncio.gather(*tasks)


async def test_the_message_of_an_append_is_not_sent_by_another_command() -> None:
    line = Line()
    with pytest.raises(ValueError, match="not allowed"):
        await line.client.append(b"private", "a\r\nb")
    task = await begun(line.client.select("box"))
    line.receive(b"+ go\r\n")
    with pytest.raises(ProtocolError):
        await task
    assert b"private" not in line.transport.take()


@pytest.mark.parametrize("message", [b"x", bytearray(b"x"), memoryview(b"x")])
async def test_a_message_is_anything_like_bytes(message: bytes) -> None:
    line = Line()
    task = await begun(line.client.append(message))
    line.receive(b"+ go\r\nA0 OK done\r\n")
    await task
    assert line.transport.take().endswith(b"{1}\r\nx\r\n")


async def test_a_text_is_no_message() -> None:
    line = Line()
    with pytest.raises(TypeError):
        await line.client.append("text")
    assert line.transport.take() == b""


async def test_a_list_of_capabilities_is_there_once_for_all_sessions_that_have_it() -> None:
    lines = [Line(), Line()]
    for line in lines:
        asked = await begun(line.client.learn_capabilities())
        line.receive(b"* CAPABILITY IMAP4rev1 IDLE MOVE\r\nA0 OK done\r\n")
        await asked
    one, other = (line.protocol.capabilities for line in lines)
    assert one is other
    assert one == {"IMAP4REV1", "IDLE", "MOVE"}
