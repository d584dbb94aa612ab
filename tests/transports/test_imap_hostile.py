# SPDX-License-Identifier: Apache-2.0
"""Whatever the server says: an answer or a typed error, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError, SecureMailError
from securemail.transports.imap import IMAPClient
from tests.transports.imap_line import Line, idling, settle

Call = Callable[[IMAPClient], Awaitable[object]]

FETCH: Call = lambda client: client.fetch("1:*", "ALL")  # noqa: E731 - a name beside others of its kind
SELECT: Call = lambda client: client.select()  # noqa: E731 - a name beside others of its kind
IDLE: Call = lambda client: client.idle()  # noqa: E731 - a name beside others of its kind
APPEND: Call = lambda client: client.append(b"message")  # noqa: E731 - a name beside others of its kind
NOOP: Call = lambda client: client.noop()  # noqa: E731 - a name beside others of its kind


async def refusal(call: Call, *said: bytes) -> SecureMailError:
    """Return the error that ends `call`, and with it the session."""
    line = Line()
    task = asyncio.ensure_future(call(line.client))
    await settle()
    for chunk in said:
        line.receive(chunk)
    with pytest.raises(SecureMailError) as caught:
        await task
    assert line.transport.is_aborted
    with pytest.raises(type(caught.value)):
        await line.client.noop()
    assert "imap.example.org:993" in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "said",
    [
        b"A9 OK not asked\r\n",
        b"A0\r\n",
        b"A0 MAYBE done\r\n",
        b"A0 OKAY done\r\n",
        b"A0  OK done\r\n",
        b"a0 OK done\r\n",
        b"rubbish\r\n",
        b"*\r\n",
        b"* \r\n",
        b"*1 FETCH (FLAGS ())\r\n",
        b"\xff\xfe\r\n",
        b"+ go ahead\r\n",
        b"+\r\n",
    ],
)
@pytest.mark.parametrize("call", [FETCH, SELECT])
async def test_what_answers_nothing_ends_the_session(call: Call, said: bytes) -> None:
    assert type(await refusal(call, said)) is ProtocolError


async def test_the_tag_of_a_command_that_still_waits_answers_nothing() -> None:
    async def two(client: IMAPClient) -> None:
        await asyncio.gather(client.fetch("1", "ALL"), client.fetch("2", "ALL"))

    assert type(await refusal(two, b"A1 OK done\r\n")) is ProtocolError


async def test_a_second_continuation_for_one_append_ends_the_session() -> None:
    assert type(await refusal(APPEND, b"+ go\r\n", b"+ go\r\n")) is ProtocolError


async def test_a_second_continuation_for_one_idle_ends_the_session() -> None:
    assert type(await refusal(IDLE, b"+ idling\r\n+ idling\r\n")) is ProtocolError


async def test_ok_to_an_append_that_was_not_sent_is_not_believed() -> None:
    assert type(await refusal(APPEND, b"A0 OK APPEND completed\r\n")) is ProtocolError


async def test_blank_lines_are_skipped() -> None:
    line = Line()
    task = asyncio.ensure_future(line.client.noop())
    await settle()
    line.receive(b"\r\n\r\nA0 OK done\r\n")
    assert (await task).result == "OK"


async def test_nothing_is_read_after_the_end() -> None:
    line = Line()
    line.receive(b"rubbish\r\n")
    line.transport.is_aborted = False
    line.receive(b"* BYE more\r\n+ more\r\nmore rubbish\r\n")
    assert not line.transport.is_aborted
    with pytest.raises(ProtocolError, match="7 bytes"):
        await line.client.noop()


WORDS = [
    b"\r\n", b"* ", b"A0 ", b"A1 ", b"OK ", b"NO ", b"BAD", b"+ ", b"1 FETCH (", b")", b"{3}",
    b"{0}\r\n", b"{99999999999999999999}", b"1 EXPUNGE", b"BYE ", b"SEARCH", b"\xff", b"\0", b"\r",
]  # fmt: skip


@given(
    st.lists(st.sampled_from([FETCH, SELECT, IDLE, APPEND, NOOP]), max_size=3),
    st.lists(st.lists(st.sampled_from(WORDS) | st.binary(max_size=5)).map(b"".join)),
)
def test_any_bytes_in_any_chunks_end_in_answers_or_typed_errors(
    calls: list[Call], chunks: list[bytes]
) -> None:
    async def session() -> None:
        line = Line()
        tasks = [asyncio.ensure_future(call(line.client)) for call in calls]
        await settle()
        for chunk in chunks:
            line.receive(chunk)
        line.drop()
        for task in tasks:
            with contextlib.suppress(SecureMailError):
                await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(session())


# Bounds


@pytest.mark.parametrize("call", [FETCH, SELECT, NOOP, IDLE])
async def test_a_line_above_the_limit_ends_the_session(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LINE_BYTES", 30)
    error = await refusal(call, b"* 1 FETCH (X " + b"x" * 30)
    assert isinstance(error, LimitExceeded)
    assert error.limit == 30


@pytest.mark.parametrize("size", [b"101", b"4294967296", b"99999999999999999999"])
async def test_a_literal_above_the_limit_ends_the_session_when_announced(
    size: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LITERAL_BYTES", 100)
    error = await refusal(FETCH, b"* 1 FETCH (BODY[] {" + size + b"}\r\n")
    assert isinstance(error, LimitExceeded)


async def fetched(*said: bytes) -> object:
    line = Line()
    task = asyncio.ensure_future(FETCH(line.client))
    await settle()
    for chunk in said:
        line.receive(chunk)
    return await task


EXACT = b"* 1 FETCH (X {5}\r\nabcde)\r\n"  # 14 + 5 + 1 octets in 3 lines


async def test_an_answer_may_be_as_large_as_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES", 40)
    monkeypatch.setattr(limits, "ANSWER_LINES", 6)
    await fetched(EXACT, EXACT, b"A0 OK done\r\n")


@pytest.mark.parametrize(("name", "limit"), [("ANSWER_BYTES", 39), ("ANSWER_LINES", 5)])
async def test_an_answer_may_not_be_larger(
    name: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, name, limit)
    error = await refusal(FETCH, EXACT, EXACT)
    assert isinstance(error, LimitExceeded)
    assert error.limit == limit


async def test_a_literal_that_the_answer_has_no_room_for_is_refused_when_announced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES", 100)
    error = await refusal(FETCH, b"* 1 FETCH (X {99}\r\n")
    assert isinstance(error, LimitExceeded)


async def test_answers_that_are_pending_together_share_one_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def both(client: IMAPClient) -> None:
        await asyncio.gather(client.fetch("1", "ALL"), client.search("ALL"))

    monkeypatch.setattr(limits, "ANSWER_BYTES", 40)
    said = b"* SEARCH 34567890123456789012345\r\n"
    assert isinstance(await refusal(both, EXACT, said), LimitExceeded)


async def test_a_complete_answer_no_longer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES", 20)
    monkeypatch.setattr(limits, "ANSWER_LINES", 3)
    line = Line()
    for number in range(5):
        task = asyncio.ensure_future(FETCH(line.client))
        await settle()
        line.receive(EXACT + b"A%d OK done\r\n" % number)
        assert len((await task).lines) == 4  # type: ignore[attr-defined]  # a Response


PUSH = b"* 1 EXISTS\r\n"  # 8 octets, and what a line costs beside them
THREE_PUSHES = 3 * (8 + limits.LINE_OVERHEAD_BYTES)


async def test_pushes_may_wait_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PUSHED_BYTES", THREE_PUSHES)
    line = Line()
    idle = await idling(line)
    for _ in range(9):
        line.receive(PUSH * 2)
        line.receive(PUSH)
        assert await line.client.wait_server_push() == [b"1 EXISTS"] * 2
        assert await line.client.wait_server_push() == [b"1 EXISTS"]
    line.receive(b"A0 OK done\r\n")
    await idle


@pytest.mark.parametrize("chunks", [[PUSH] * 4, [PUSH * 4], [b"* 1 X {300}\r\n"], [b"* X\r\n"] * 4])
async def test_more_pushes_end_the_session(
    chunks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PUSHED_BYTES", THREE_PUSHES)
    error = await refusal(IDLE, b"+ idling\r\n", *chunks)
    assert isinstance(error, LimitExceeded)
    assert error.limit == THREE_PUSHES


@pytest.mark.parametrize("call", [None, FETCH])
async def test_what_nobody_asked_for_is_not_kept(
    call: Call | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES", 20)
    monkeypatch.setattr(limits, "ANSWER_LINES", 1)
    line = Line()
    task = asyncio.ensure_future(call(line.client)) if call else None
    await settle()
    before = sys.getallocatedblocks()
    for _ in range(5000):
        line.receive(b'* LIST () "/" {5}\r\nINBOX\r\n* 9 EXISTS\r\n')
    assert sys.getallocatedblocks() - before < 500
    line.receive(b"A0 OK done\r\n" if task else b"")
    if task:
        await task
