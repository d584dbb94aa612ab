# SPDX-License-Identifier: Apache-2.0
"""What each POP3 command sends, what it returns, and what it refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from securemail import limits
from securemail.errors import (
    Attempt,
    CommandError,
    ConnectError,
    LimitExceeded,
    ProtocolError,
    ResponseCode,
    UsageError,
)
from securemail.transports.listing import Language, MailboxSize, MessageSize, UniqueID
from securemail.transports.pop3 import POP3Client, hand_over
from tests.transports.imap_line import begun
from tests.transports.pop3_line import PEER, Line, PausingTransport

Call = Callable[[POP3Client], Awaitable[Any]]

# name: (the call, what is sent, what is answered, what is returned)
COMMANDS: dict[str, tuple[Call, bytes, bytes, object]] = {
    "stat": (lambda c: c.stat(), b"STAT", b"+OK 2 320", MailboxSize(2, 320)),
    "stat with more": (lambda c: c.stat(), b"STAT", b"+OK 2 320 x", MailboxSize(2, 320)),
    "list": (
        lambda c: c.list(),
        b"LIST",
        b"+OK\r\n1 120\r\n2 200\r\n.",
        (MessageSize(1, 120), MessageSize(2, 200)),
    ),
    "list of none": (lambda c: c.list(), b"LIST", b"+OK\r\n.", ()),
    "list one": (lambda c: c.list(2), b"LIST 2", b"+OK 2 200", MessageSize(2, 200)),
    "uidl": (
        lambda c: c.uidl(),
        b"UIDL",
        b"+OK\r\n1 abc\r\n3 d.ef\r\n.",
        (UniqueID(1, "abc"), UniqueID(3, "d.ef")),
    ),
    "uidl one": (lambda c: c.uidl(1), b"UIDL 1", b"+OK 1 abc", UniqueID(1, "abc")),
    "retr": (lambda c: c.retr(7), b"RETR 7", b"+OK\r\na\r\n..b\r\n.", b"a\r\n.b\r\n"),
    "an empty message": (lambda c: c.retr(7), b"RETR 7", b"+OK\r\n.", b""),
    "top": (lambda c: c.top(7, 0), b"TOP 7 0", b"+OK\r\nA: b\r\n\r\n.", b"A: b\r\n\r\n"),
    "dele": (lambda c: c.dele(7), b"DELE 7", b"+OK gone", None),
    "rset": (lambda c: c.rset(), b"RSET", b"+OK", None),
    "noop": (lambda c: c.noop(), b"NOOP", b"+OK", None),
    "quit": (lambda c: c.quit(), b"QUIT", b"+OK bye", None),
    "lang": (
        lambda c: c.lang(),
        b"LANG",
        "+OK\r\nen English\r\nfr Français\r\n.".encode(),
        (Language("en", "English"), Language("fr", "Français")),
    ),
    "lang one": (lambda c: c.lang("fr-CA"), b"LANG fr-CA", b"+OK fr Bonjour", "fr"),
    "lang any": (lambda c: c.lang("*"), b"LANG *", b"+OK en Hi", "en"),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_is_written_as_the_rfc_writes_it_and_its_answer_is_a_value(
    name: str,
) -> None:
    call, sent, answer, value = COMMANDS[name]
    line = Line()
    task = await begun(call(line.client))
    assert line.transport.take() == sent + b"\r\n"
    line.receive(answer + b"\r\n")
    assert await task == value


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_refusal_is_a_value_too_and_the_session_goes_on(name: str) -> None:
    call, sent, _, _ = COMMANDS[name]
    line = Line()
    task = await begun(call(line.client))
    line.receive(b"-ERR [SYS/TEMP] not now\r\n")
    with pytest.raises(CommandError, match="not now") as caught:
        await task
    assert caught.value.command == sent.split()[0].decode()
    assert caught.value.words == "[SYS/TEMP] not now"
    assert caught.value.code is ResponseCode.SYS_TEMP
    assert line.transport.is_closed == (name == "quit")
    assert not line.transport.is_aborted


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("[IN-USE] x", ResponseCode.IN_USE),
        ("[in-use]", ResponseCode.IN_USE),
        ("[LOGIN-DELAY] x", ResponseCode.LOGIN_DELAY),
        ("[SYS/TEMP] x", ResponseCode.SYS_TEMP),
        ("[SYS/TEMP/DISK] x", ResponseCode.SYS_TEMP),
        ("[SYS/PERM] x", ResponseCode.SYS_PERM),
        ("[AUTH] x", ResponseCode.AUTH),
        ("[UTF8] x", ResponseCode.UTF8),
        ("[AUTHX] x", ResponseCode.NONE),
        ("[SYS] x", ResponseCode.NONE),
        ("[SYS/TEMPX] x", ResponseCode.NONE),
        ("[] x", ResponseCode.NONE),
        ("[/] x", ResponseCode.NONE),
        ("IN-USE] x", ResponseCode.NONE),
        ("[IN-USE x", ResponseCode.NONE),
        ("x [IN-USE]", ResponseCode.NONE),
        ("", ResponseCode.NONE),
    ],
)
def test_a_response_code_is_a_reason(words: str, code: ResponseCode) -> None:
    assert ResponseCode.of(words) is code
    assert Attempt("PLAIN", words).code is code


NONSENSE: dict[str, tuple[Call, bytes]] = {
    "stat": (lambda c: c.stat(), b"+OK two"),
    "stat of one number": (lambda c: c.stat(), b"+OK 2"),
    "list": (lambda c: c.list(), b"+OK\r\n1 120\r\nx\r\n."),
    "an empty line in a list": (lambda c: c.list(), b"+OK\r\n1 120\r\n\r\n."),
    "uidl": (lambda c: c.uidl(), b"+OK\r\n1\r\n."),
    "list of another": (lambda c: c.list(2), b"+OK 3 100"),
    "uidl of another": (lambda c: c.uidl(2), b"+OK 1 abc"),
    "no reply": (lambda c: c.noop(), b"* OK"),
    "a continuation": (lambda c: c.noop(), b"+ "),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_a_protocol_error_and_ends_the_session(name: str) -> None:
    call, answer = NONSENSE[name]
    line = Line()
    task = await begun(call(line.client))
    line.receive(answer + b"\r\n")
    with pytest.raises(ProtocolError):
        await task
    assert line.transport.is_aborted
    with pytest.raises(ProtocolError, match=PEER):
        await line.client.noop()


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", "1\r\nDELE 2", None])
async def test_what_is_no_number_is_not_sent(number: Any) -> None:
    line = Line()
    calls: list[Call] = [
        lambda c: c.retr(number),
        lambda c: anext(c.retr_stream(number)),
        lambda c: anext(c.retr_many([1, number])),
        lambda c: c.top(number, 1),
        lambda c: c.dele(number),
    ]
    if number is not None:
        calls += [lambda c: c.list(number), lambda c: c.uidl(number)]
    for call in calls:
        with pytest.raises(UsageError):
            await call(line.client)
    assert line.transport.take() == b""


@pytest.mark.parametrize("lines", [-1, True, "1\r\nQUIT"])
async def test_what_is_no_number_of_lines_is_not_sent(lines: Any) -> None:
    line = Line()
    with pytest.raises(UsageError, match="lines"):
        await line.client.top(1, lines)
    assert line.transport.take() == b""


@pytest.mark.parametrize("tag", ["", "en us", "en\r\nQUIT", "\xe9", "-", "en-"])
async def test_what_is_no_language_is_not_sent(tag: str) -> None:
    line = Line()
    with pytest.raises(UsageError, match="language tag"):
        await line.client.lang(tag)
    assert line.transport.take() == b""


async def test_what_is_not_offered_is_not_sent() -> None:
    line = Line(capabilities=frozenset({"LANGX", "X LANG"}))
    for call in (line.client.lang(), line.client.lang("en")):
        with pytest.raises(UsageError, match="does not offer"):
            await call
    assert line.transport.take() == b""


async def test_after_quit_there_is_no_session() -> None:
    line = Line()
    task = await begun(line.client.quit())
    line.receive(b"+OK bye\r\n")
    await task
    assert line.transport.is_closed
    with pytest.raises(ConnectError, match="QUIT"):
        await line.client.noop()


async def test_bytes_behind_the_login_reply_are_refused() -> None:
    transport = PausingTransport()
    with pytest.raises(ProtocolError, match="did not send"):
        hand_over(transport, peer=PEER, capabilities=frozenset(), early=b"+OK 1 2\r\n", timeout_s=5)
    assert transport.is_aborted


async def test_a_listing_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_LINES", 2)
    for listing, ends in ((b"1 1\r\n2 2\r\n", False), (b"1 1\r\n2 2\r\n3 3\r\n", True)):
        line = Line()
        task = await begun(line.client.list())
        line.receive(b"+OK\r\n" + listing + b".\r\n")
        if ends:
            with pytest.raises(LimitExceeded, match="2 lines"):
                await task
        else:
            assert len(await task) == 2
        assert line.transport.is_aborted == ends


@pytest.mark.parametrize(
    ("limit", "call"),
    [
        ("POP3_LISTING_BYTES", lambda c: c.list()),
        ("POP3_LISTING_BYTES", lambda c: c.uidl()),
        ("LITERAL_BYTES", lambda c: c.retr(1)),
        ("LITERAL_BYTES", lambda c: c.top(1, 1)),
        ("ANSWER_BYTES", lambda c: c.retr(1)),
    ],
)
async def test_an_answer_without_end_is_refused_at_its_limit(
    monkeypatch: pytest.MonkeyPatch, limit: str, call: Call
) -> None:
    monkeypatch.setattr(limits, limit, 1000)
    line = Line()
    task = await begun(call(line.client))
    line.receive(b"+OK\r\n" + b"1 234567\r\n" * 100)
    assert not task.done()
    line.receive(b"1 2345\r\n")
    with pytest.raises(LimitExceeded) as caught:
        await task
    assert caught.value.limit == 1000
    assert line.transport.is_aborted
