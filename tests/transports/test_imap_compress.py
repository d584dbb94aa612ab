# SPDX-License-Identifier: Apache-2.0
"""Compression of an IMAP session after the login (RFC 4978), on a line in memory."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import DeadlineError, LimitExceeded, ProtocolError, UsageError, limits
from securemail.wire.deflate import PIECE_BYTES
from tests.transports.imap_line import Line, begun, cut, settle


class Server:
    """The server's end of the compressed line."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        self._inflater = zlib.decompressobj(-15)

    def say(self, words: bytes) -> bytes:
        return self._deflater.compress(words) + self._deflater.flush(zlib.Z_SYNC_FLUSH)

    def hear(self, line: Line) -> bytes:
        return self._inflater.decompress(line.transport.take())


async def asked(line: Line, *, timeout_s: float = 5) -> asyncio.Future[Any]:
    """Return a COMPRESS that was sent."""
    tag = line.protocol.new_tag()
    task = await begun(line.protocol.conversation.compress(tag, timeout_s=timeout_s))
    assert line.transport.take() == b"A0 COMPRESS DEFLATE\r\n"
    return task


async def compressed() -> tuple[Line, Server]:
    line = Line()
    task = await asked(line)
    line.receive(b"A0 OK begin\r\n")
    assert await task is True
    return line, Server()


async def test_after_the_ok_both_directions_are_compressed() -> None:
    line, server = await compressed()
    noop = await begun(line.client.noop())
    assert server.hear(line) == b"A1 NOOP\r\n"
    line.receive(server.say(b"* 3 EXISTS\r\nA1 OK done\r\n"))
    assert (await noop).lines == [b"3 EXISTS", b"done"]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_what_follows_the_ok_is_inflated_in_the_same_segment_or_not(size: int) -> None:
    line, server = Line(), Server()
    task = await asked(line)
    noop = await begun(line.client.noop())
    assert line.transport.take() == b""
    words = b"* OK {3}\r\n* 1 FETCH (BODY[] {6}\r\nA0 OK\r)\r\nA1 OK done\r\n"
    wire = b"* OK [ALERT] soon\r\nA0 OK begin\r\n" + server.say(words)
    for piece in cut(wire, [size] * len(wire)):
        line.receive(piece)
    assert await task is True
    assert server.hear(line) == b"A1 NOOP\r\n"
    assert (await noop).lines == [b"OK {3}", b"1 FETCH (BODY[] {6}", b"A0 OK\r", b")", b"done"]


@pytest.mark.parametrize("no", [b"NO [COMPRESSIONACTIVE] by TLS", b"BAD what"])
async def test_where_the_server_refuses_the_session_goes_on_as_it_was(no: bytes) -> None:
    line = Line()
    task = await asked(line)
    line.receive(b"A0 " + no + b"\r\n")
    assert await task is False
    noop = await begun(line.client.noop())
    assert line.transport.take() == b"A1 NOOP\r\n"
    line.receive(b"A1 OK done\r\n")
    assert (await noop).result == "OK"


async def test_compression_is_asked_for_once() -> None:
    line, _ = await compressed()
    with pytest.raises(UsageError):
        await line.protocol.conversation.compress("A9", timeout_s=5)
    assert line.transport.take() == b""


async def test_a_server_that_goes_on_in_cleartext_ends_the_session() -> None:
    line, _ = await compressed()
    noop = await begun(line.client.noop())
    line.receive(b"A1 OK in cleartext\r\n")
    with pytest.raises(ProtocolError):
        await noop
    assert line.transport.is_aborted


async def test_cleartext_behind_the_ok_is_not_read() -> None:
    line = Line()
    task = await asked(line)
    line.receive(b"A0 OK begin\r\n* 1 EXISTS\r\n")
    assert line.transport.is_aborted
    with pytest.raises(ProtocolError):
        await task
    with pytest.raises(ProtocolError):
        await line.client.noop()


async def test_a_bomb_ends_the_session_and_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INFLATED_CREDIT_BYTES", 4 * 1024 * 1024)
    line, server = await compressed()
    fetch = await begun(line.client.fetch("1", "BODY[]"))
    bomb = server.say(b"* 1 FETCH (BODY[] {200000000}\r\n" + bytes(20 * 1000 * 1000))
    line.receive(bomb)
    assert line.transport.is_paused
    turns = 0
    while not fetch.done():
        turns += 1
        await asyncio.sleep(0)
    with pytest.raises(LimitExceeded):
        await fetch
    assert line.transport.is_aborted
    assert turns > limits.INFLATED_CREDIT_BYTES // (16 * PIECE_BYTES)


async def test_a_long_answer_is_read_in_turns_and_then_the_line_again() -> None:
    line, server = await compressed()
    fetch = await begun(line.client.fetch("1", "BODY[]"))
    body = bytes(3 * 1000 * 1000)
    line.receive(server.say(b"* 1 FETCH (BODY[] {3000000}\r\n" + body + b")\r\n"))
    line.receive(server.say(b"A1 OK done\r\n"))
    assert line.transport.is_paused
    answer = await fetch
    assert answer.lines[1] == body
    await settle()
    assert not line.transport.is_paused


async def test_a_long_message_is_sent_in_turns_and_whole() -> None:
    line, server = await compressed()
    message = bytes(range(256)) * 4000
    append = await begun(line.client.append(message))
    assert server.hear(line).endswith(b"{%d}\r\n" % len(message))
    line.receive(server.say(b"+ go\r\n"))
    heard = server.hear(line)
    assert len(heard) == PIECE_BYTES
    while len(heard) < len(message) + 2:
        await asyncio.sleep(0)
        heard += server.hear(line)
    assert heard == message + b"\r\n"
    line.receive(server.say(b"A1 OK appended\r\n"))
    assert (await append).result == "OK"


async def test_a_session_that_ends_while_it_sends_writes_no_more() -> None:
    line, server = await compressed()
    append = await begun(line.client.append(bytes(1000 * 1000)))
    line.receive(server.say(b"+ go\r\n"))
    line.drop()
    line.transport.take()
    await settle()
    assert line.transport.take() == b""
    with pytest.raises(Exception, match=r"imap\.example\.org"):
        await append


async def test_a_server_that_does_not_answer_to_compress_is_given_up() -> None:
    line = Line()
    task = await asked(line, timeout_s=0.05)
    with pytest.raises(DeadlineError):
        await task
    assert line.transport.is_aborted


async def test_a_compress_that_is_cancelled_ends_the_session() -> None:
    line = Line()
    task = await asked(line)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert line.transport.is_aborted


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=10))
def test_any_bytes_behind_the_ok_end_in_an_answer_or_in_our_error(
    data: bytes, sizes: list[int]
) -> None:
    async def play() -> None:
        line = Line()
        task = await asked(line)
        for piece in cut(b"A0 OK begin\r\n" + data, sizes):
            line.receive(piece)
        await settle()
        assert task.done()

    asyncio.run(play())
