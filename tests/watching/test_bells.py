"""Which of several mailboxes must be looked at, after all that a server may say."""

from __future__ import annotations

import pytest

from securemail.watching.bells import Bells
from securemail.watching.cursor import Cursor

NAMES = ["INBOX", "Archive", "Lists"]
ROLL = [
    b"STATUS inbox (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 HIGHESTMODSEQ 5)",
    b"STATUS Archive (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 8 HIGHESTMODSEQ 1)",
]


def all_seen() -> Bells:
    bells = Bells(NAMES)
    bells.hear(ROLL)
    for name in NAMES:
        bells.saw(name, bells.state(name))
    return bells


def rung(bells: Bells) -> list[str]:
    """Return those that must be looked at, and look at them."""
    names: list[str] = []
    while (name := bells.next_rung()) is not None:
        names.append(name)
        bells.saw(name, bells.state(name))
    return names


def test_what_was_never_seen_must_be_looked_at() -> None:
    assert sorted(rung(Bells(NAMES))) == sorted(NAMES)
    assert rung(all_seen()) == []


@pytest.mark.parametrize(
    "line",
    [
        b"STATUS Archive (HIGHESTMODSEQ 2)",
        b"STATUS Archive (MESSAGES 1 UIDNEXT 2)",
        b"STATUS Archive (UIDNEXT 2)",
        b"STATUS Archive (UIDVALIDITY 9)",
        b"STATUS {7}",
    ],
)
def test_any_number_that_is_another_now_rings(line: bytes) -> None:
    bells = all_seen()
    literal: list[bytes | bytearray]
    literal = [bytearray(b"Archive"), b" (MESSAGES 3)"] if line.endswith(b"}") else []
    bells.hear([line, *literal])
    assert rung(bells) == ["Archive"]


@pytest.mark.parametrize(
    "line",
    [
        *ROLL,
        b"STATUS Archive (UNSEEN 4)",
        b"STATUS Other (MESSAGES 4)",
        b"STATUS archive (MESSAGES 4)",
        b"STATUS &!!- (MESSAGES 4)",
        b"5 EXISTS",
    ],
)
def test_what_was_seen_or_not_asked_for_does_not_ring(line: bytes) -> None:
    bells = all_seen()
    bells.hear([line])
    assert rung(bells) == []


def test_what_changes_during_a_look_rings_again() -> None:
    bells = all_seen()
    bells.hear([b"STATUS Archive (MESSAGES 1)"])
    state = bells.state("Archive")
    bells.hear([b"STATUS Archive (MESSAGES 2)"])
    bells.saw("Archive", state)
    assert rung(bells) == ["Archive"]


def test_a_mailbox_that_changes_all_the_time_keeps_nobody_waiting() -> None:
    bells = Bells(NAMES)
    turns = [bells.next_rung() for _ in range(6)]
    assert turns == NAMES * 2


def test_the_roll_tells_whom_the_server_did_not_name() -> None:
    bells = all_seen()
    bells.call_roll()
    bells.hear(ROLL)
    assert bells.silent == ["Lists"]


def test_trouble_and_overflow_are_heard() -> None:
    bells = all_seen()
    bells.hear([b"NO NOTIFY error, some events may have got lost"])
    assert (bells.is_unsure, bells.is_off) == (True, False)
    bells.hear([b"OK [NOTIFICATIONOVERFLOW] too much"])
    assert (bells.is_unsure, bells.is_off) == (True, True)
    bells.call_roll()
    assert (bells.is_unsure, bells.is_off) == (True, False)


@pytest.mark.parametrize(
    ("cursor", "is_current"),
    [
        (Cursor(7, 2, 5), True),
        (Cursor(7, 2, 4), False),
        (Cursor(6, 2, 5), False),
        (Cursor(7, 1, 5), False),
        (Cursor(7, 2, None), False),
    ],
)
def test_only_a_cursor_that_says_the_same_needs_no_look(cursor: Cursor, is_current: bool) -> None:
    bells = Bells(NAMES)
    bells.hear(ROLL)
    assert bells.is_current("INBOX", cursor) is is_current


def test_without_modseq_a_cursor_always_needs_a_look() -> None:
    bells = Bells(NAMES)
    bells.hear([b"STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)"])
    assert not bells.is_current("INBOX", Cursor(7, 2, None))
