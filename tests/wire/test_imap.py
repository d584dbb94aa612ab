"""IMAP responses before login."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.imap import (
    Condition,
    Continuation,
    Data,
    Status,
    parse_response,
    quoted,
)
from securemail.wire.text import decode_base64, parse_capabilities, words


@pytest.mark.parametrize(
    ("line", "response"),
    [
        (b"* OK hi", Status(None, Condition.OK, b"", b"hi")),
        (b"* ok [ALERT] x", Status(None, Condition.OK, b"ALERT", b"x")),
        (b"A1 NO [A B] x", Status(b"A1", Condition.NO, b"A B", b"x")),
        (b"A1 OK", Status(b"A1", Condition.OK, b"", b"")),
        (b"A1 BAD [broken", Status(b"A1", Condition.BAD, b"", b"[broken")),
        (b"* PREAUTH in", Status(None, Condition.PREAUTH, b"", b"in")),
        (b"* BYE", Status(None, Condition.BYE, b"", b"")),
        (b"* OK five {5}", Status(None, Condition.OK, b"", b"five {5}")),
        (b"* capability IMAP4rev1", Data(b"CAPABILITY", b"IMAP4rev1")),
        (b"* 3 EXISTS", Data(b"3", b"EXISTS")),
        (b"+", Continuation(b"")),
        (b"+ ", Continuation(b"")),
        (b"+ YQ==", Continuation(b"YQ==")),
    ],
)
def test_a_line_is_read_as_what_it_is(line: bytes, response: Status | Data | Continuation) -> None:
    assert parse_response(line) == response


@pytest.mark.parametrize(
    "line", [b"", b"*", b"OK", b" OK", b"A1 PREAUTH x", b"A1 BYE x", b"A1 LIST x", b"+x"]
)
def test_a_line_that_is_no_response_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_response(line)


@pytest.mark.parametrize("size", [b"0", b"5", b"0005", str(limits.LITERAL_BYTES).encode()])
def test_a_literal_before_login_is_refused(size: bytes) -> None:
    with pytest.raises(ProtocolError, match="literal before login"):
        parse_response(b"* LIST {%s}" % size)


@pytest.mark.parametrize(
    "size", [str(limits.LITERAL_BYTES + 1).encode(), b"4294967296", b"9" * 5000]
)
def test_a_literal_past_all_bounds_is_refused_when_it_is_announced(size: bytes) -> None:
    with pytest.raises(LimitExceeded):
        parse_response(b"* LIST {%s}" % size)


@given(st.binary(max_size=200))
def test_any_line_gives_a_response_or_a_protocol_error(line: bytes) -> None:
    try:
        response = parse_response(line)
        if isinstance(response, Status):
            assert response.words.isprintable()
            response.capabilities  # noqa: B018 - must not raise anything else
    except ProtocolError:
        pass


@given(st.text())
def test_a_quoted_string_says_what_it_was_made_from(text: str) -> None:
    data = quoted(text)
    is_plain = all(" " <= char <= "~" for char in text)
    assert (data is not None) == is_plain
    if data is not None:
        inner = data[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")
        assert data[:1] == data[-1:] == b'"'
        assert inner.decode() == text


def test_capabilities_are_compared_without_case() -> None:
    assert parse_capabilities([b"imap4rev1", b"Auth=Plain"]) == {"IMAP4REV1", "AUTH=PLAIN"}


@pytest.mark.parametrize("token", [b"\xff", b"A\x07"])
def test_a_capability_that_cannot_be_printed_is_refused(token: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_capabilities([token])


def test_capabilities_at_the_limit_pass_and_one_more_does_not() -> None:
    tokens = [b"X%d" % number for number in range(limits.CAPABILITIES + 1)]
    assert len(parse_capabilities(tokens[:-1])) == limits.CAPABILITIES
    with pytest.raises(LimitExceeded):
        parse_capabilities(tokens)


@pytest.mark.parametrize("text", [b"\x1b[2Jgone", b"bell\x07", "\u202eevil".encode(), b"\xff\xfe"])
def test_a_servers_words_cannot_steer_a_terminal(text: bytes) -> None:
    assert words(text).isprintable()


def test_a_servers_words_are_bounded() -> None:
    assert len(words(b"x" * 100_000)) == limits.WORDS_CHARS


@pytest.mark.parametrize("text", [b"YQ", b"Y Q==", b"YQ==\n", b"*", b"\xff"])
def test_base64_is_strict(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_base64(text)
    assert decode_base64(b"YQ==") == b"a"


def test_equal_lists_of_capabilities_are_one_object() -> None:
    names = [b"IDLE", b"SASL-IR"]
    assert parse_capabilities(names) is parse_capabilities(list(names))
