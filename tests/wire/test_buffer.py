"""Lines out of bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.buffer import LineBuffer


def lines_of(chunks: list[bytes], buffer: LineBuffer | None = None) -> list[bytes]:
    buffer = LineBuffer() if buffer is None else buffer
    lines = []
    for chunk in chunks:
        buffer.feed(chunk)
        while (line := buffer.next_line()) is not None:
            lines.append(line)
    return lines


@given(st.lists(st.binary(max_size=40).filter(lambda b: not set(b) & {0, 10, 13})), st.data())
def test_lines_do_not_depend_on_the_chunks_they_come_in(
    lines: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(line + b"\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    bounds = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(bounds)]
    assert lines_of(chunks) == lines
    assert lines_of([stream[i : i + 1] for i in range(len(stream))]) == lines


@pytest.mark.parametrize("line", [b"a\rb", b"a\nb", b"a\0b", b"\r", b"\n"])
def test_a_lone_cr_or_lf_or_a_nul_in_a_line_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        lines_of([line + b"\r\n"])


def test_a_line_feed_alone_does_not_end_a_line() -> None:
    assert lines_of([b"* OK\n"]) == []


def test_a_line_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert lines_of([b"x" * 10 + b"\r\n"], LineBuffer(max_line=10)) == [b"x" * 10]
    with pytest.raises(LimitExceeded) as caught:
        lines_of([b"x" * 11 + b"\r\n"], LineBuffer(max_line=10))
    assert caught.value.limit == 10


def test_a_line_without_end_is_refused_before_it_ends() -> None:
    with pytest.raises(LimitExceeded):
        lines_of([b"x"] * 12, LineBuffer(max_line=10))


def test_all_that_a_server_may_say_is_bounded() -> None:
    buffer = LineBuffer(max_total=10)
    buffer.feed(b"x" * 10)
    with pytest.raises(LimitExceeded) as caught:
        buffer.feed(b"x")
    assert caught.value.limit == 10
    assert len(buffer) == 10


def test_draining_returns_what_was_not_read() -> None:
    buffer = LineBuffer()
    buffer.feed(b"one\r\ntwo")
    assert buffer.next_line() == b"one"
    assert buffer.drain() == b"two"
    assert len(buffer) == 0
