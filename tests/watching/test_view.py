"""What has changed since a cursor, from what a server says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import ConnectError, limits
from securemail.errors import ProtocolError
from securemail.uids import UIDSet
from securemail.watching import Cursor, MailboxChanged, UIDValidityChanged
from securemail.watching.view import (
    Heard,
    Numbers,
    compared,
    first_cursor,
    resynchronized,
    revalidated,
)
from securemail.wire.mailbox import (
    Bye,
    Exists,
    Expunged,
    Fetched,
    Item,
    Vanished,
    parse_items,
)

EXAMINED = (b"9 EXISTS", b"OK [UIDVALIDITY 5] x", b"OK [UIDNEXT 20] x", b"OK [HIGHESTMODSEQ 90] x")


def heard(*lines: bytes) -> Heard:
    return Heard.of(parse_items(lines))


def uids(*numbers: int) -> UIDSet:
    return UIDSet.of(numbers)


def test_a_first_cursor_is_what_the_mailbox_says_of_itself() -> None:
    assert first_cursor(heard(*EXAMINED), None) == Cursor(5, 20, 90)


def test_without_uidnext_the_messages_themselves_say_it() -> None:
    cursor = first_cursor(heard(b"OK [UIDVALIDITY 5] x"), uids(3, 8))
    assert cursor == Cursor(5, 9, None, uids(3, 8))


def test_a_mailbox_without_uidvalidity_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="UIDVALIDITY"):
        first_cursor(heard(b"OK [UIDNEXT 5] x"), None)


def test_a_goodbye_is_the_end_of_the_session_with_its_words() -> None:
    with pytest.raises(ConnectError, match="goodbye: maintenance"):
        heard(b"1 EXISTS", b"BYE maintenance")


def test_qresync_tells_new_expunged_and_changed_messages_in_one_event() -> None:
    said = heard(
        *EXAMINED,
        b"VANISHED (EARLIER) 3,21,30:40",
        b"2 FETCH (UID 4 FLAGS () MODSEQ (85))",
        b"8 FETCH (UID 15 FLAGS () MODSEQ (88))",
        b"9 FETCH (UID 17 FLAGS () MODSEQ (90))",
    )
    assert resynchronized(Cursor(5, 15, 80), said) == MailboxChanged(
        Cursor(5, 18, 90), new=uids(15, 17), expunged=uids(3), flags=uids(4)
    )


def test_a_message_that_came_and_went_unseen_is_not_announced() -> None:
    assert resynchronized(Cursor(5, 15, 80), heard(*EXAMINED, b"VANISHED (EARLIER) 15:19")) is None


def test_a_message_that_is_counted_and_not_shown_is_not_skipped() -> None:
    said = heard(*EXAMINED, b"8 FETCH (UID 15 FLAGS () MODSEQ (88))")
    change = resynchronized(Cursor(5, 15, 80), said)
    assert change is not None
    assert change.cursor.uidnext == 16


def test_another_uidvalidity_is_told_and_the_uids_of_before_are_void() -> None:
    now = first_cursor(heard(*EXAMINED), None)
    assert revalidated(Cursor(5, 15, 80), now) is None
    assert revalidated(Cursor(4, 15, 80), now) == UIDValidityChanged(now, before=4)


def test_a_whole_search_shows_what_came_and_what_went() -> None:
    cursor = Cursor(5, 10, 80, uids(1, 2, 3, 9))
    changed = heard(
        b"2 FETCH (UID 3 FLAGS () MODSEQ (85))", b"3 FETCH (UID 12 MODSEQ (9) FLAGS ())"
    )
    change = compared(cursor, uids(2, 3, 12), changed, 90)
    assert change == MailboxChanged(
        Cursor(5, 13, 90, uids(2, 3, 12)), new=uids(12), expunged=uids(1, 9), flags=uids(3)
    )


def test_a_cursor_keeps_no_messages_that_are_too_scattered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CURSOR_RANGES", 2)
    assert compared(Cursor(5, 10), uids(1, 3), Heard(), None).cursor.uids == uids(1, 3)
    assert compared(Cursor(5, 10), uids(1, 3, 5), Heard(), None).cursor.uids is None


# --- by number


def numbers(*known: int) -> Numbers:
    return Numbers(uids(*known), len(known))


def fed(mine: Numbers, *lines: bytes) -> Numbers:
    mine.feed(parse_items(lines))
    return mine


def test_an_expunge_moves_the_numbers_of_what_comes_after_it() -> None:
    mine = fed(numbers(2, 4, 6, 8), b"1 EXPUNGE", b"2 EXPUNGE", b"2 FETCH (FLAGS ())")
    assert mine.take(Cursor(5, 9)) == MailboxChanged(
        Cursor(5, 9, None, uids(4, 8)), new=uids(), expunged=uids(2, 6), flags=uids(8)
    )


def test_flags_are_of_the_message_that_had_the_number_at_the_time() -> None:
    mine = fed(numbers(2, 4, 6), b"2 FETCH (FLAGS ())", b"1 EXPUNGE", b"2 FETCH (FLAGS ())")
    change = mine.take(Cursor(5, 9))
    assert change is not None
    assert change.flags == uids(4, 6)


def test_a_message_that_is_not_known_yet_is_looked_up() -> None:
    mine = fed(numbers(2, 4), b"3 EXISTS")
    assert mine.is_behind
    mine.found(uids(4, 7))
    assert len(mine.known) == mine.exists
    assert mine.take(Cursor(5, 5)) == MailboxChanged(
        Cursor(5, 8, None, uids(2, 4, 7)), new=uids(7), expunged=uids(), flags=uids()
    )
    assert mine.take(Cursor(5, 8)) is None


def test_a_message_that_came_and_went_before_it_was_looked_up_is_none() -> None:
    mine = fed(numbers(2, 4), b"3 EXISTS", b"3 EXPUNGE")
    assert not mine.is_behind
    assert mine.take(Cursor(5, 5)) is None


@pytest.mark.parametrize("line", [b"0 EXPUNGE", b"3 EXPUNGE"])
def test_an_expunge_of_what_is_not_there_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        fed(numbers(2, 4), line)


def test_fewer_messages_without_an_expunge_make_the_numbers_worthless() -> None:
    assert fed(numbers(2, 4), b"1 EXISTS").is_lost


def test_a_flood_of_expunges_is_counted_and_not_looked_up_one_by_one() -> None:
    count = limits.NUMBERED_AT_ONCE + 1
    mine = fed(numbers(*range(1, 1000)), *[b"1 EXPUNGE"] * count)
    assert mine.is_lost
    assert mine.exists == 999 - count


def test_message_zero_has_no_flags() -> None:
    assert fed(numbers(2, 4), b"0 FETCH (FLAGS ())").take(Cursor(5, 9)) is None


NUMBER = st.integers(0, 6) | st.just(2**32 - 1)
ITEMS = st.one_of(
    st.builds(Exists, NUMBER),
    st.builds(Expunged, NUMBER),
    st.builds(Fetched, NUMBER, st.none() | st.integers(1, 9), st.just(3), st.booleans()),
    st.builds(Vanished, st.sets(st.integers(1, 9)).map(UIDSet.of), st.booleans()),
    st.just(Bye("x")),
)


@given(st.lists(ITEMS, max_size=20), st.sets(st.integers(1, 9)))
def test_whatever_a_server_says_is_a_change_or_an_error_of_ours(
    items: list[Item], known: set[int]
) -> None:
    mine = numbers(*known)
    try:
        mine.feed(items)
        change = mine.take(Cursor(5, 6))
    except (ProtocolError, ConnectError):
        return
    assert change is None or not change.new & change.expunged


MAILBOX = st.lists(st.sampled_from(["arrive", "expunge", "flag"]), max_size=40)


@given(MAILBOX, st.integers(0, 8), st.data())
def test_pushes_add_up_to_what_has_happened(
    story: list[str], start: int, data: st.DataObject
) -> None:
    there = list(range(1, start + 1))
    mine, cursor = numbers(*there), Cursor(5, start + 1)
    arrived, gone, flagged, uidnext = set[int](), set[int](), set[int](), start + 1
    for step in story:
        if step == "arrive":
            there.append(uidnext)
            arrived.add(uidnext)
            uidnext += 1
            mine.feed([Exists(len(there))])
            mine.found(UIDSet.of(there[-1:]))
        elif there:
            index = data.draw(st.integers(0, len(there) - 1))
            if step == "expunge":
                gone.add(there.pop(index))
                mine.feed([Expunged(index + 1)])
            else:
                flagged.add(there[index])
                mine.feed([Fetched(index + 1, None, 0, has_flags=True)])
    change = mine.take(cursor)
    assert set(mine.known) == set(there)
    assert set(change.new if change else ()) == arrived - gone
    assert set(change.expunged if change else ()) == gone - arrived
    assert set(change.flags if change else ()) == flagged - gone - arrived
