"""What IMAP servers say of the messages that they hand out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.transports.pending import AnswerLine
from securemail.wire.fetch import Fetched, responses

TEXT = bytearray(b"Subject: a\r\n\r\nText.\r\n")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], []),
        ([b"1 FETCH (UID 7 BODY[] {23}", TEXT, b")"], [(7, bytes(TEXT), 0)]),
        ([b"1 FETCH (BODY[] {23}", TEXT, b" UID 7)"], [(7, bytes(TEXT), 0)]),
        ([b"1 fetch (uid 7 body[] {23}", TEXT, b")"], [(7, bytes(TEXT), 0)]),
        ([b"1 FETCH (UID 7 RFC822.SIZE 44)"], [(7, None, 44)]),
        ([b"1 FETCH (UID 7 BODY[] NIL)"], [(7, None, 0)]),
        ([b'1 FETCH (UID 7 BODY[] "")'], [(7, b"", 0)]),
        ([b'1 FETCH (UID 7 BODY[]<0> "a")'], [(7, b"a", 0)]),
        ([b"1 FETCH (UID 7 BODY[]<0> {23}", TEXT, b")"], [(7, bytes(TEXT), 0)]),
        ([b'1 FETCH (UID 7 BODY[] "a\\"b\\\\")'], [(7, b'a"b\\', 0)]),
        ([b"1 FETCH (FLAGS (UID 5) UID 7 BODY[] {23}", TEXT, b")"], [(7, bytes(TEXT), 0)]),
        ([b"1 FETCH (BODY[] {23}", TEXT, b" FLAGS (\\Seen UID) UID 7)"], [(7, bytes(TEXT), 0)]),
        ([b"1 FETCH (BODY[] {23}", TEXT, b")", b"OK (UID 7)"], []),
        ([b"1 FETCH (UID 7 BODY[] {23}", TEXT, b" X {1}", bytearray(b"x"), b")"],
         [(7, bytes(TEXT), 0)]),
        ([b"5 EXISTS", b"1 FETCH (UID 7 BODY[] {23}", TEXT, b")", b"2 FETCH (FLAGS ())"],
         [(7, bytes(TEXT), 0)]),
        ([b"1 FETCH (UID 7 BODY[] {23}", TEXT, b")", b"2 FETCH (UID 8 BODY[] {23}", TEXT, b")"],
         [(7, bytes(TEXT), 0), (8, bytes(TEXT), 0)]),
    ],
)  # fmt: skip
def test_each_message_is_found_with_its_uid(lines: list[AnswerLine], found: list[Fetched]) -> None:
    assert list(responses(lines)) == found


WORDS = st.sampled_from(
    [b"1 FETCH (", b"UID 7 ", b"BODY[] ", b"{3}", b'"a"', b"FLAGS (", b")", b"RFC822.SIZE 5 ", b" "]
)
LINES = st.lists(
    st.one_of(
        st.lists(WORDS).map(b"".join), st.binary(max_size=8), st.binary(max_size=8).map(bytearray)
    )
)


@given(LINES)
def test_whatever_a_server_says_is_a_message_or_nothing(lines: list[AnswerLine]) -> None:
    for uid, text, size in responses(lines):
        assert uid >= 0
        assert size >= 0
        assert text is None or isinstance(text, bytes)


def test_what_a_server_says_behind_a_message_is_not_collected() -> None:
    lines: list[AnswerLine] = [b"1 FETCH (UID 7 BODY[] {23}", TEXT, b")"]
    lines += [b"OK " + b"x" * 1000] * 50_000
    assert list(responses(lines)) == [(7, bytes(TEXT), 0)]


def test_a_response_of_many_literals_is_read_in_linear_time() -> None:
    """Joined anew for each, these took minutes, in which the event loop stood still."""
    more: list[bytes | bytearray] = [bytearray(b"x"), b" BODY[] {1}"]
    answer = [b"1 FETCH (BODY[] {1}", *more * 400_000, bytearray(b"x"), b" UID 7)"]
    assert [*responses(answer)] == [(7, b"x", 0)]
