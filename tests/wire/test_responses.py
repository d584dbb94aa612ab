# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from securemail import limits
from securemail.errors import LimitExceeded
from securemail.wire.responses import Chunk, Line, ResponseReader


def read(*chunks: bytes) -> list[Line | Chunk]:
    reader = ResponseReader()
    return [piece for chunk in chunks for piece in reader.feed(chunk)]


def joined(pieces: list[Line | Chunk]) -> list[Line | bytes]:
    """Put the pieces of each literal together."""
    whole: list[Line | bytes] = []
    literal = b""
    for piece in pieces:
        if isinstance(piece, Line):
            whole.append(piece)
            continue
        literal += piece.data
        if piece.is_last:
            whole.append(literal)
            literal = b""
    return whole


TRANSCRIPT = (
    b"* 3 EXISTS\r\n"
    b"* 1 FETCH (BODY[] {5}\r\na\r\n) BODY[TEXT] {0}\r\n FLAGS ())\r\n"
    b'* LIST () "/" ~{3}\r\nA\xff\x00\r\n'
    b"A1 OK done {5}\r\n"
)


def test_a_line_that_announces_nothing_ends_the_response() -> None:
    assert read(b"* 3 EXISTS\r\n") == [Line(b"* 3 EXISTS", is_first=True, literal=None)]


def test_a_response_goes_on_behind_its_literal() -> None:
    assert read(b"* 1 FETCH (BODY[] {2}\r\nhi)\r\n") == [
        Line(b"* 1 FETCH (BODY[] {2}", is_first=True, literal=2),
        Chunk(b"hi", is_last=True),
        Line(b")", is_first=False, literal=None),
    ]


def test_an_empty_literal_is_a_literal() -> None:
    assert read(b"* 1 FETCH (BODY[] {0}\r\n")[1:] == [Chunk(b"", is_last=True)]


def test_a_literal_is_handed_on_as_it_comes() -> None:
    pieces = read(b"* X {4}\r\nab", b"cd")
    assert pieces[1:] == [Chunk(b"ab", is_last=False), Chunk(b"cd", is_last=True)]


def test_a_literal_may_hold_what_looks_like_responses() -> None:
    pieces = joined(read(b"* X {14}\r\nA1 OK x {99}\r\n\r\n"))
    assert pieces[1:] == [b"A1 OK x {99}\r\n", Line(b"", is_first=False, literal=None)]


def test_two_literals_belong_to_one_response() -> None:
    lines = [p for p in read(b"* X {1}\r\na {1}\r\nb)\r\n* Y\r\n") if isinstance(p, Line)]
    assert [line.is_first for line in lines] == [True, False, False, True]


@pytest.mark.parametrize(
    "line",
    [
        b"A1 OK done {5}",
        b"+ go ahead {5}",
        b"* OK [ALERT] text {5}",
        b"* ok text {5}",
        b"* NO text {5}",
        b"* BAD {5}",
        b"* BYE {5}",
        b"* PREAUTH text {5}",
        b"* X 5}",
        b"* X {}",
        b"* X {-5}",
        b"* X {5+}",
        b'* LIST () "/" "{5}"',
    ],
)
def test_text_announces_no_literal(line: bytes) -> None:
    assert read(line + b"\r\n") == [Line(line, is_first=True, literal=None)]


def test_behind_a_literal_a_status_word_is_data() -> None:
    pieces = joined(read(b"* X {1}\r\na* OK {2}\r\nbc\r\n"))
    assert pieces[1:4] == [b"a", Line(b"* OK {2}", is_first=False, literal=2), b"bc"]


@pytest.mark.parametrize("text", [b"* a\rb", b"* a\nb", b"* a\n\rb", b"* \r"])
def test_only_cr_lf_ends_a_line(text: bytes) -> None:
    for chunks in ([text + b"\r\n"], [text[i : i + 1] for i in range(len(text))] + [b"\r", b"\n"]):
        assert read(*chunks) == [Line(text, is_first=True, literal=None)]


@given(st.lists(st.integers(1, 9)))
def test_chunks_do_not_matter(sizes: list[int]) -> None:
    chunks, at = [], 0
    for size in [*sizes, len(TRANSCRIPT)]:
        chunks.append(TRANSCRIPT[at : at + size])
        at += size
    assert joined(read(*chunks)) == joined(read(TRANSCRIPT))


def test_byte_by_byte_is_the_same_as_whole() -> None:
    assert joined(read(*(bytes([b]) for b in TRANSCRIPT))) == joined(read(TRANSCRIPT))


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\r", b"\n", b"* ", b"{3}\r\n", b"}"])))
@example([b"* X {99999999999999999999}\r\n"])
@example([b"* X {" + b"9" * 5000 + b"}\r\n"])
def test_any_bytes_give_pieces_or_a_limit(chunks: list[bytes]) -> None:
    try:
        pieces = read(*chunks)
    except LimitExceeded:
        return
    assert sum(len(p.text if isinstance(p, Line) else p.data) for p in pieces) <= sum(
        map(len, chunks)
    )


# Bounds


def test_a_line_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINE_BYTES", 10)
    assert len(read(b"* 45678901"[:10] + b"\r\n")) == 1
    assert len(read(*(bytes([b]) for b in b"* 45678901"[:10] + b"\r\n"))) == 1


@pytest.mark.parametrize("size", [1, 3, 99])
def test_a_line_may_not_be_longer(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(limits, "LINE_BYTES", 10)
    data = b"* 345678901\r\n"
    with pytest.raises(LimitExceeded) as caught:
        read(*(data[i : i + size] for i in range(0, len(data), size)))
    assert caught.value.limit == 10


def test_a_line_without_end_is_not_buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINE_BYTES", 10)
    with pytest.raises(LimitExceeded):
        read(b"* 345678", b"9012")


def test_a_literal_may_be_as_large_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LITERAL_BYTES", 100)
    assert read(b"* X {100}\r\n") == [Line(b"* X {100}", is_first=True, literal=100)]


@pytest.mark.parametrize(
    "size", [b"101", b"4294967296", b"99999999999999999999", b"9" * 5000, b"0" * 21]
)
def test_a_larger_literal_is_refused_when_it_is_announced(
    monkeypatch: pytest.MonkeyPatch, size: bytes
) -> None:
    monkeypatch.setattr(limits, "LITERAL_BYTES", 100)
    with pytest.raises(LimitExceeded) as caught:
        read(b"* X {" + size + b"}\r\n")
    assert caught.value.limit == 100
    assert len(str(caught.value)) < 100


# Linear time: each octet is searched and copied a bounded number of times.


class Counted(bytes):
    """Counts the octets that are searched in it or cut out of it."""

    touched = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start, end)
        Counted.touched += (len(self) if found < 0 else found) - start
        return found

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        Counted.touched += len(part)
        return part


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
@pytest.mark.parametrize(
    "data",
    [
        b"* 1 FETCH (FLAGS ())\r\n" * 500,
        b"* SEARCH " + b"1 " * 5000 + b"\r\n",
        b"* 1 FETCH (BODY[] {10000}\r\n" + bytes(10000) + b")\r\n",
        b"* 1 FETCH (BODY[] {4}\r\n\r\n\r\n)\r\n" * 500,
    ],
)
def test_each_octet_is_touched_a_few_times(data: bytes, size: int) -> None:
    Counted.touched = 0
    reader = ResponseReader()
    for at in range(0, len(data), size):
        for _ in reader.feed(Counted(data[at : at + size])):
            pass
    # Less than once would mean that a copy is searched, where nobody counts.
    assert len(data) <= Counted.touched + 2 * data.count(b"\r\n") <= 3 * len(data)
