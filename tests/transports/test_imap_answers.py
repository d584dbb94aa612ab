# SPDX-License-Identifier: Apache-2.0
"""Our answers are aioimaplib's, for whatever a well-behaved server says in whatever chunks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transports.imap_line import Line, UpstreamClient, begun, cut, settle

Call = Callable[[Any], Awaitable[Any]]
ANNOUNCED = re.compile(rb"\{(\d+)\}\r\n")
Outcome = tuple[list[tuple[str, list[bytes]]], list[bytes]]

# Where aioimaplib itself is wrong, the transcripts keep out of its way:
# - it deletes every "* " of a line, not only the first;
# - it counts parentheses, those in quoted strings and literal-free nonsense included;
# - it takes "{5}" at the end of a tagged text for a literal;
# - behind a literal that ends with its chunk, it forgets whose the rest is, but for FETCH;
# - what was pushed in one chunk with the tagged end of an IDLE is lost: that end comes alone.
WORD = st.text("abcXYZ0123456789.-_", min_size=1, max_size=8).map(str.encode)
QUOTED = st.text("ab c\\t/%é", max_size=8).map(lambda text: b'"' + text.encode() + b'"')
FLAGS = st.lists(st.sampled_from([rb"\Seen", rb"\Deleted", b"$Junk"]), max_size=3).map(
    lambda flags: b"(" + b" ".join(flags) + b")"
)
LITERAL = st.binary(max_size=60).map(lambda data: b"{%d}\r\n" % len(data) + data)
NUMBER = st.integers(1, 10**9).map(b"%d".__mod__)

FETCH_ITEM = st.one_of(
    FLAGS.map(b"FLAGS ".__add__),
    NUMBER.map(b"UID ".__add__),
    LITERAL.map(b"BODY[] ".__add__),
    LITERAL.map(b"BINARY[1] ~".__add__),
    QUOTED.map(b"BODY[TEXT] ".__add__),
)
FETCH = st.tuples(NUMBER, st.lists(FETCH_ITEM, min_size=1, max_size=4)).map(
    lambda parts: b"* " + parts[0] + b" FETCH (" + b" ".join(parts[1]) + b")\r\n"
)
LIST = st.tuples(FLAGS, QUOTED | LITERAL).map(
    lambda parts: b"* LIST " + parts[0] + b' "/" ' + parts[1] + b"\r\n"
)
SEARCH = st.lists(NUMBER, max_size=9).map(lambda ids: b" ".join([b"* SEARCH", *ids]) + b"\r\n")
STATUS = st.tuples(WORD, NUMBER).map(
    lambda parts: b"* STATUS " + parts[0] + b" (MESSAGES " + parts[1] + b")\r\n"
)
NEWS = st.one_of(
    NUMBER.map(lambda n: b"* " + n + b" EXISTS\r\n"),
    NUMBER.map(lambda n: b"* " + n + b" EXPUNGE\r\n"),
    FLAGS.map(lambda flags: b"* FLAGS " + flags + b"\r\n"),
    WORD.map(lambda word: b"* OK [ALERT] " + word + b"\r\n"),
    WORD.map(lambda word: b"* CAPABILITY IMAP4rev1 " + word + b"\r\n"),
)
ANY = st.lists(st.one_of(FETCH, LIST, SEARCH, STATUS, NEWS), max_size=8).map(b"".join)
STATUS_TEXT = st.sampled_from([b"OK done", b"NO [TRYCREATE] not here", b"BAD what", b"OK"])
SIZES = st.lists(st.integers(1, 40), max_size=60)

TOGETHER: Sequence[Call] = (
    lambda client: client.fetch("1:*", "(FLAGS BODY[])"),
    lambda client: client.list('""', "*"),
    lambda client: client.search("ALL"),
    lambda client: client.status("INBOX", "(MESSAGES)"),
    lambda client: client.noop(),
    lambda client: client.expunge(),
    lambda client: client.copy("1", "Trash"),
)
ALONE: Sequence[Call] = (
    lambda client: client.select("INBOX"),
    lambda client: client.examine("INBOX"),
    lambda client: client.subscribe("INBOX"),
    lambda client: client.move("1", "Trash"),
    lambda client: client.close(),
)


def chunked(said: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut what the server says anywhere but right behind a literal."""
    ends, at = set(), 0
    while announced := ANNOUNCED.search(said, at):
        at = announced.end() + int(announced[1])
        ends.add(at)
    chunks, at = [b""], 0
    for chunk in cut(said, sizes):
        chunks[-1] += chunk
        at += len(chunk)
        if at not in ends:
            chunks.append(b"")
    return chunks


async def outcome(client: Any, calls: Sequence[Call], chunks: Sequence[bytes]) -> Outcome:
    """Run the calls at once, let the server say all of `chunks`, return what came of it."""
    # One by one: on Python 3.11 aioimaplib starts a few of them later than the others.
    tasks = [await begun(call(client)) for call in calls]
    for chunk in chunks:
        client.protocol.data_received(chunk)
    answers = [await task for task in tasks]
    pushes: list[bytes] = []
    while not client.protocol.idle_queue.empty():
        pushes += client.protocol.idle_queue.get_nowait()
    return [(answer.result, answer.lines) for answer in answers], pushes


def compare(calls: Sequence[Call], chunks: Sequence[bytes]) -> None:
    async def both() -> None:
        ours = await outcome(Line().client, calls, chunks)
        theirs = await outcome(UpstreamClient(), calls, chunks)
        assert ours == theirs
        assert [[type(x) for x in a[1]] for a in ours[0]] == [
            [type(x) for x in a[1]] for a in theirs[0]
        ]

    asyncio.run(both())


@given(st.data(), ANY, SIZES)
def test_answers_to_commands_that_run_together_are_aioimaplibs(
    data: st.DataObject, said: bytes, sizes: list[int]
) -> None:
    calls = data.draw(st.lists(st.sampled_from(TOGETHER), unique=True, min_size=1))
    ends = data.draw(st.permutations([b"A%d " % i for i in range(len(calls))]))
    said += b"".join(tag + data.draw(STATUS_TEXT) + b"\r\n" for tag in ends)
    compare(calls, chunked(said, sizes))


@given(st.sampled_from(ALONE), ANY, STATUS_TEXT, SIZES)
def test_answers_to_commands_that_run_alone_are_aioimaplibs(
    call: Call, said: bytes, status: bytes, sizes: list[int]
) -> None:
    compare([call], chunked(said + b"A0 " + status + b"\r\n", sizes))


@given(st.lists(st.one_of(FETCH, NEWS), max_size=6).map(b"".join), STATUS_TEXT, SIZES)
def test_pushes_are_aioimaplibs(said: bytes, status: bytes, sizes: list[int]) -> None:
    chunks = [*chunked(b"+ idling\r\n" + said, sizes), b"A0 " + status + b"\r\n"]
    compare([lambda client: client.idle()], chunks)


async def fetched(*said: bytes) -> aioimaplib.Response:
    line = Line()
    task = asyncio.ensure_future(line.client.fetch("1:*", "ALL"))
    await settle()
    for chunk in said:
        line.receive(chunk)
    return await task


async def test_parentheses_in_quoted_strings_do_not_matter() -> None:
    said = rb'1 FETCH (ENVELOPE ("date" ":-(" NIL "(((" "\")"))'
    answer = await fetched(b"* " + said + b"\r\n* 2 FETCH (FLAGS ())\r\n", b"A0 OK done\r\n")
    assert answer.lines == [said, b"2 FETCH (FLAGS ())", b"done"]


async def test_a_star_and_a_blank_inside_a_line_stay() -> None:
    answer = await fetched(b'* 1 FETCH (ENVELOPE ("a * b"))\r\nA0 OK do * ne\r\n')
    assert answer.lines == [b'1 FETCH (ENVELOPE ("a * b"))', b"do * ne"]


async def test_a_tagged_text_that_looks_like_a_literal_ends_the_command() -> None:
    answer = await fetched(b"A0 OK done {5}\r\n")
    assert answer.lines == [b"done {5}"]


async def test_what_looks_like_a_tagged_line_in_a_literal_is_a_literal() -> None:
    answer = await fetched(b"* 1 FETCH (BODY[] {12}\r\nA0 OK done\r\n)\r\nA0 NO failed\r\n")
    assert answer.result == "NO"
    assert answer.lines == [b"1 FETCH (BODY[] {12}", b"A0 OK done\r\n", b")", b"failed"]


async def test_keywords_are_read_in_any_case() -> None:
    answer = await fetched(b"* 1 fetch (FLAGS ())\r\nA0 ok done\r\n")
    assert answer == ("OK", [b"1 fetch (FLAGS ())", b"done"])


@pytest.mark.parametrize("size", [1, 100, 10**6])
async def test_the_rest_behind_a_literal_is_kept_in_any_chunks(size: int) -> None:
    line = Line()
    task = asyncio.ensure_future(line.client.list('""', "*"))
    await settle()
    for chunk in cut(b'* LIST () {1}\r\n/ "a"\r\nA0 OK done\r\n', [size] * 100):
        line.receive(chunk)
    assert (await task).lines == [b"() {1}", b"/", b' "a"', b"done"]


async def test_a_mailbox_of_2000_messages_comes_in_one_read() -> None:
    messages = b"".join(
        b"* %d FETCH (UID %d BODY[] {9}\r\nmessage\r\n)\r\n" % (n, n) for n in range(2000)
    )
    answer = await fetched(messages + b"A0 OK done\r\n")
    assert len(answer.lines) == 3 * 2000 + 1


async def test_5000_short_lines_come_in_one_read() -> None:
    answer = await fetched(b"* 1 FETCH (FLAGS ())\r\n" * 5000 + b"A0 OK done\r\n")
    assert len(answer.lines) == 5001


async def test_what_arrived_behind_the_login_is_read() -> None:
    line = Line(early=b"* BYE go")
    line.receive(b" away\r\n")
    line.drop()
    with pytest.raises(ConnectionError, match="go away"):
        await line.client.noop()
