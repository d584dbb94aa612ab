"""What is deflated comes out again, and no server inflates us out of memory."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import LimitExceeded, ProtocolError, limits
from securemail.wire.deflate import PIECE_BYTES, Deflater, Inflater


def deflated(*parts: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(stream.compress(part) + stream.flush(zlib.Z_SYNC_FLUSH) for part in parts)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_each_piece_can_be_inflated_before_the_next_is_sent(parts: list[bytes]) -> None:
    deflater, inflater = Deflater(), Inflater()
    for part in parts:
        assert b"".join(inflater.feed(deflater.deflate(part))) == part


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_a_stream_inflates_the_same_however_it_is_cut(data: bytes, size: int) -> None:
    inflater, wire = Inflater(), deflated(data)
    pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
    assert b"".join(out for piece in pieces for out in inflater.feed(piece)) == data


@pytest.mark.parametrize("excess", [-1, 0, 1, 258, 516])
def test_an_end_at_the_edge_of_a_piece_is_not_lost(excess: int) -> None:
    data = bytes(PIECE_BYTES + excess)
    pieces = list(Inflater().feed(deflated(data)))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_a_bomb_is_refused_at_the_limit_and_not_a_piece_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INFLATED_CREDIT_BYTES", 1024 * 1024)
    bomb = deflated(bytes(4 * limits.INFLATED_CREDIT_BYTES))
    seen: list[int] = []
    with pytest.raises(LimitExceeded) as caught:
        seen.extend(map(len, Inflater().feed(bomb)))
    assert caught.value.limit == limits.INFLATED_CREDIT_BYTES + limits.INFLATED_RATIO * len(bomb)
    assert caught.value.limit - PIECE_BYTES <= sum(seen) <= caught.value.limit


def test_a_message_of_zeros_as_large_as_providers_take_passes() -> None:
    size = 50 * 1000 * 1000
    assert sum(map(len, Inflater().feed(deflated(bytes(size))))) == size


def test_what_is_not_deflated_is_the_servers_fault() -> None:
    with pytest.raises(ProtocolError):
        list(Inflater().feed(b"* OK still in cleartext\r\n"))


def test_a_stream_that_ends_is_the_servers_fault() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    wire = stream.compress(b"* BYE\r\n") + stream.flush()
    inflater = Inflater()
    said: list[bytes] = []
    with pytest.raises(ProtocolError):
        said.extend(inflater.feed(wire + b"more"))
    assert said == [b"* BYE\r\n"]


@given(st.binary(max_size=200))
def test_any_bytes_inflate_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        list(Inflater().feed(data))
