"""Sets of UIDs, beside Python's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail.errors import ProtocolError
from securemail.uids import HIGHEST_UID, UIDSet

UIDS = st.sets(st.one_of(st.integers(1, 60), st.integers(HIGHEST_UID - 5, HIGHEST_UID)))


@given(UIDS, UIDS)
def test_it_is_a_set(a: set[int], b: set[int]) -> None:
    mine, other = UIDSet.of(a), UIDSet.of(b)
    assert list(mine) == sorted(a)
    assert len(mine) == len(a)
    assert bool(mine) == bool(a)
    assert mine.highest == max(a, default=0)
    assert set(mine | other) == a | b
    assert set(mine - other) == a - b
    assert set(mine & other) == a & b
    assert (mine == other) == (a == b)
    assert hash(mine) == hash(UIDSet.of(sorted(a, reverse=True)))
    assert all((uid in mine) == (uid in a) for uid in {*a, *b, 0, 61, HIGHEST_UID + 1})


@given(UIDS, st.integers(0, 62), st.integers(0, HIGHEST_UID))
def test_a_part_of_it_lies_between_two_bounds(uids: set[int], low: int, high: int) -> None:
    assert set(UIDSet.of(uids).within(low, high)) == {uid for uid in uids if low <= uid <= high}


@given(UIDS)
def test_messages_are_numbered_from_one(uids: set[int]) -> None:
    mine = UIDSet.of(uids)
    assert mine.at(*range(1, len(uids) + 1)) == sorted(uids)
    for number in (0, -1, len(uids) + 1):
        with pytest.raises(IndexError):
            mine.at(number)


@given(UIDS.filter(bool))
def test_what_it_says_can_be_read_again(uids: set[int]) -> None:
    mine = UIDSet.of(uids)
    assert UIDSet.parse(str(mine).encode()) == mine


def test_neighbours_are_one_range_in_any_order() -> None:
    assert str(UIDSet.parse(b"7,3:5,6,1:2,9:12,10,20:18")) == "1:7,9:12,18:20"
    assert UIDSet([(1, 2), (3, 4)]).range_count == 1
    assert str(UIDSet()) == ""


@pytest.mark.parametrize(
    "text",
    [b"", b",", b"1,", b",1", b"0", b"1:0", b"x", b"1:", b":1", b"1 2", b"1:*", b"4294967296",
     b"99999999999", b"1,,2", b"1:2:3", b"-1", b"1\n"],
)  # fmt: skip
def test_what_is_no_set_is_a_protocol_error(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        UIDSet.parse(text)


@given(st.binary(max_size=30) | st.text("0123456789:,*", max_size=30).map(str.encode))
def test_any_bytes_are_a_set_or_a_protocol_error(text: bytes) -> None:
    try:
        mine = UIDSet.parse(text)
    except ProtocolError:
        return
    assert mine.range_count
    assert 1 <= mine.highest <= HIGHEST_UID


def test_all_uids_there_can_be_cost_one_range() -> None:
    everything = UIDSet.parse(b"1:4294967295")
    assert len(everything) == HIGHEST_UID
    assert (everything - UIDSet.of([7])).range_count == 2


def test_a_long_one_is_shown_in_part() -> None:
    scattered = UIDSet.of(range(1, 1000, 2))
    assert len(repr(scattered)) < 100
