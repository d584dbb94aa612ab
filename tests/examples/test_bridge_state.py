"""What the bridge keeps: each mail and each answer once, whatever is told to it twice."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge
from bridge_state import State, printable, text_of
from securemail import Account

MAIL = (
    b"From: Bob <bob@example.org>\r\nSubject: news\r\nMessage-ID: <1@example.org>\r\n\r\nNews.\r\n"
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with contextlib.closing(State(str(tmp_path / "state"), "alice@example.org")) as opened:
        yield opened


def test_a_mail_and_an_answer_that_come_again_are_there_once(state: State) -> None:
    for _ in range(2):
        state.take_mail("mail-7-1", MAIL)
        state.take_answer("a1", "mail-7-1", "Thanks.")
    assert [ident for ident, _, _ in state.items("unshown")] == ["mail-7-1"]
    ((_, recipient, raw),) = state.items("new")
    assert recipient == "bob@example.org"
    assert message_from_bytes(raw, policy=policy.default)["In-Reply-To"] == "<1@example.org>"


def test_what_the_archive_holds_of_ours_is_not_sent_again(state: State) -> None:
    state.take_mail("mail-7-1", MAIL)
    state.mark("mail-7-1", "shown", was="unshown")
    state.take_mail("mail-7-1", MAIL)
    assert state.items("unshown") == []


def test_our_own_copy_proves_that_a_mail_in_doubt_went_out(state: State) -> None:
    state.take_mail("mail-7-1", MAIL)
    state.take_answer("a1", "mail-7-1", "Thanks.")
    ((ident, _, raw),) = state.items("new")
    state.mark(ident, "sending")
    state.take_mail("mail-7-2", raw)
    assert state.items("sending") == []
    assert len(state.items("sent")) == 1


def test_the_copy_of_an_answer_that_was_refused_proves_nothing(state: State) -> None:
    state.take_mail("mail-7-1", MAIL)
    state.take_answer("a1", "mail-7-1", "Thanks.")
    ((ident, _, raw),) = state.items("new")
    state.mark(ident, "refused")
    state.take_mail("mail-7-2", raw)
    assert len(state.items("refused")) == 1


def test_the_person_is_told_once_what_cannot_be_known(state: State) -> None:
    for _ in range(2):
        state.show("note-a1-told", "It is not known.")
    assert [item[:2] for item in state.items("unshown")] == [("note-a1-told", "It is not known.")]


class Silent:
    """A chat in which nobody has said anything yet."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def archive(self, since: str, after: str) -> list[object]:
        self.asked.append(since)
        return []


async def test_where_the_archive_is_read_from_is_kept_though_nothing_was_said(state: State) -> None:
    chat: Any = Silent()
    for _ in range(2):  # as after a restart
        await Bridge({"chat": {}}, Account("alice@example.org"), state).catch_up(chat)
    assert chat.asked == [state.cursor("chat")["since"]] * 2


@pytest.mark.parametrize("answers", ["", "mail-7-2", "note-a1-told"])
def test_an_answer_to_no_mail_is_told_and_not_sent(state: State, answers: str) -> None:
    assert state.take_answer("a1", answers, "Thanks.") is None
    assert state.items("new") == []
    assert [ident for ident, _, _ in state.items("unshown")] == ["note-a1"]


@pytest.mark.parametrize(
    "sender",
    [b"", b"nobody", b"bob@example.org\r\nBcc: eve@example.org", b"a\0b@\xff", b"<@:;>", b"="],
)
def test_no_sender_stops_the_bridge_or_adds_a_recipient(state: State, sender: bytes) -> None:
    state.take_mail("mail-7-1", b"From: " + sender + b"\r\nSubject: x\r\n\r\n")
    state.take_answer("a1", "mail-7-1", "Thanks.")
    assert all(b"\nBcc" not in raw for _, _, raw in state.items("new"))
    told = [ident for ident, _, _ in state.items("unshown") if ident == "note-a1"]
    assert len(state.items("new")) + len(told) == 1


def test_a_mail_that_cannot_be_read_is_told_all_the_same() -> None:
    raw = b"Content-Type: text/plain; charset=no-such-thing\r\n\r\nx\xff\r\n"
    assert "cannot be read" in text_of(raw)


def test_nothing_is_shown_that_would_end_the_stream() -> None:
    assert printable("a\0\x1b\ufffe\ud800b\r\nc\td") == "a    b\nc\td"


def test_a_second_bridge_on_the_same_file_does_not_start(state: State, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        State(str(tmp_path / "state"), "alice@example.org")
