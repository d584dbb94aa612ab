"""Cursors are values that a program can store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import UsageError, limits
from securemail.errors import ProtocolError
from securemail.uids import HIGHEST_UID, UIDSet
from securemail.watching import Cursor, MaildropCursor
from securemail.wire.mailbox import HIGHEST_MODSEQ

NUMBER = st.integers(1, HIGHEST_UID)
CURSORS = st.builds(
    Cursor,
    NUMBER,
    NUMBER,
    st.none() | st.integers(1, HIGHEST_MODSEQ),
    st.none() | st.sets(st.integers(1, 50)).map(UIDSet.of),
)


@given(CURSORS)
def test_a_cursor_survives_json(cursor: Cursor) -> None:
    assert Cursor.from_json(json.loads(json.dumps(cursor.to_json()))) == cursor


@given(st.sets(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)))
def test_a_maildrop_cursor_survives_json_and_knows_what_it_has_seen(unique_ids: set[str]) -> None:
    cursor = MaildropCursor.of(unique_ids)
    assert MaildropCursor.from_json(json.loads(json.dumps(cursor.to_json()))) == cursor
    assert not any(cursor.is_new(unique_id) for unique_id in unique_ids)
    assert cursor.is_new("another one, with blanks")


def test_a_maildrop_of_100_000_messages_costs_800_kilobytes() -> None:
    cursor = MaildropCursor.of(f"{number:08x}4f3c9a51" for number in range(100_000))
    assert len(cursor.seen) == 800_000


GOOD: dict[str, Any] = {"uidvalidity": 1, "uidnext": 1, "modseq": None, "uids": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"uidvalidity": 0},
        {"uidvalidity": "1"},
        {"uidvalidity": True},
        {"uidvalidity": 2**32},
        {"uidnext": None},
        {"uidnext": -1},
        {"uidnext": 2**32 + 1},
        {"modseq": 0},
        {"modseq": 2**63},
        {"modseq": 1.5},
        {"uids": "x"},
        {"uids": "0"},
        {"uids": 7},
        {"another": 1},
    ],
)
def test_what_is_no_stored_cursor_is_a_usage_error(changes: dict[str, Any]) -> None:
    assert Cursor.from_json(GOOD) == Cursor(1, 1)
    with pytest.raises(UsageError):
        Cursor.from_json({**GOOD, **changes})


@pytest.mark.parametrize("missing", GOOD)
def test_a_cursor_has_all_its_parts(missing: str) -> None:
    with pytest.raises(UsageError):
        Cursor.from_json({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize(
    "seen", [7, None, "x", "AAAA", "////////////////", "AAAAAAAAAAAAAAAAAAAAAA=="]
)
def test_what_is_no_stored_maildrop_cursor_is_a_usage_error(seen: object) -> None:
    with pytest.raises(UsageError):
        MaildropCursor.from_json({"seen": seen})
    with pytest.raises(UsageError):
        MaildropCursor.from_json({})


def test_a_maildrop_with_too_many_messages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CURSOR_UNIQUE_IDS", 3)
    assert not MaildropCursor.of("abc").is_new("b")
    with pytest.raises(ProtocolError):
        MaildropCursor.of("abcd")


def test_a_mapping_is_wanted() -> None:
    with pytest.raises(UsageError):
        Cursor.from_json([1, 2])  # type: ignore[arg-type]  # that is the point
