"""POP3 replies, capabilities and listings."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.pop3 import (
    Continuation,
    Status,
    arguments,
    parse_capa,
    parse_numbers,
    parse_reply,
    parse_unique_id,
    timestamp,
    unstuffed,
)

BOTH = frozenset({"PLAIN", "EXTERNAL"})


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"+OK", Status(is_ok=True, text=b"")),
        (b"+OK ", Status(is_ok=True, text=b"")),
        (b"+OK 2 320", Status(is_ok=True, text=b"2 320")),
        (b"-ERR", Status(is_ok=False, text=b"")),
        (b"-ERR [IN-USE] busy", Status(is_ok=False, text=b"[IN-USE] busy")),
        (b"+", Continuation(b"")),
        (b"+ ", Continuation(b"")),
        (b"+ YQ==", Continuation(b"YQ==")),
    ],
)
def test_a_line_is_read_as_what_it_is(line: bytes, reply: Status | Continuation) -> None:
    assert parse_reply(line) == reply


@pytest.mark.parametrize(
    "line",
    [b"", b" +OK", b"+ok", b"+OKAY", b"+OK\thi", b"OK", b"-ERROR", b"* OK hi", b"220 hi", b"."],
)
def test_a_line_that_is_no_reply_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="no reply"):
        parse_reply(line)


@given(st.binary(max_size=100))
def test_any_line_gives_a_reply_or_a_protocol_error(line: bytes) -> None:
    try:
        reply = parse_reply(line)
        if isinstance(reply, Status):
            assert reply.words.isprintable()
    except ProtocolError:
        pass


def test_a_response_code_stays_in_the_words() -> None:
    assert Status(is_ok=False, text=b"[SYS/TEMP] later").words == "[SYS/TEMP] later"


@pytest.mark.parametrize(
    ("line", "text"), [(b"..", b"."), (b"..a", b".a"), (b".a", b"a"), (b"a.", b"a."), (b"", b"")]
)
def test_one_dot_in_front_is_taken_away(line: bytes, text: bytes) -> None:
    assert unstuffed(line) == text


def test_capabilities_are_whole_lines_in_upper_case() -> None:
    capabilities = parse_capa([b"TOP", b"sasl Plain  External", b"LOGIN-DELAY 900"])
    assert capabilities == {"TOP", "SASL PLAIN EXTERNAL", "LOGIN-DELAY 900"}
    assert arguments(capabilities, "SASL") == BOTH
    assert arguments(capabilities, "TOP") == frozenset()
    assert arguments(capabilities, "UIDL") is None


def test_the_arguments_of_two_lines_are_put_together() -> None:
    assert arguments(frozenset({"SASL PLAIN", "SASL EXTERNAL"}), "SASL") == BOTH


@pytest.mark.parametrize("line", [b"", b" ", b"X\xff", b"X\x07"])
def test_a_capability_that_cannot_be_printed_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_capa([b"TOP", line])


def test_capabilities_at_the_limit_pass_and_one_more_does_not() -> None:
    lines = [b"X%d" % number for number in range(limits.CAPABILITIES + 1)]
    assert len(parse_capa(lines[:-1])) == limits.CAPABILITIES
    with pytest.raises(LimitExceeded):
        parse_capa(lines)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [(b"2 320", (2, 320)), (b"0 0", (0, 0)), (b"2 320 more words", (2, 320)), (b"01 2", (1, 2))],
)
def test_numbers_are_read_and_what_follows_is_passed_over(
    text: bytes, numbers: tuple[int, ...]
) -> None:
    assert parse_numbers(text, 2) == numbers


@pytest.mark.parametrize(
    "text", [b"", b"2", b"two 320", b"2 -1", b"2 +1", b"2 1_0", b"2 \xb2", b"1 " + b"9" * 21]
)
def test_what_is_no_number_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError, match="2 numbers"):
        parse_numbers(text, 2)


def test_a_line_full_of_numbers_takes_no_more_memory_than_itself() -> None:
    text = b"12 " * 1_000_000
    tracemalloc.start()
    try:
        assert parse_numbers(text, 2) == (12, 12)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(text)
    finally:
        tracemalloc.stop()


def test_a_unique_id_is_read() -> None:
    assert parse_unique_id(b"2 QhdPYR:00WBw1Ph7x7") == (2, "QhdPYR:00WBw1Ph7x7")
    assert parse_unique_id(b"2 id more") == (2, "id")


@pytest.mark.parametrize("text", [b"", b"2", b"2 ", b"x id", b"2 \xff", b"2 a\tb", b"2  id"])
def test_what_is_no_unique_id_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError, match="unique id"):
        parse_unique_id(text)


@given(st.binary(max_size=60))
def test_any_listing_line_gives_values_or_a_protocol_error(text: bytes) -> None:
    for parse in (parse_unique_id, lambda data: parse_numbers(data, 2)):
        with contextlib.suppress(ProtocolError):
            assert len(parse(text)) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>", True),
        (b"<4d2.1.65c9_!#$%&'*+/=?^`{|}~-@mail.example.org> ready", True),
        (b"ready", False),
        (b"<1896.697170952>", False),
        (b"<@mail.example.org>", False),
        (b"<a@b@c>", False),
        (b"<a b@mail.example.org>", False),
        (b"<a\xc3\xa9@mail.example.org>", False),
        (b"<a\x01@mail.example.org>", False),
        (b"<a@b> or <c@d>", False),
        (b"<a@mail.example.org", False),
    ],
)
def test_a_timestamp_is_a_message_id_or_it_is_none(text: bytes, found: bool) -> None:
    expected = text[text.index(b"<") : text.index(b">") + 1] if found else b""
    assert timestamp(text) == expected
