"""What the bridge keeps: each mail and each answer once, whatever is told to it twice."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from bridge_state import Said, State, printable, text_of

MAIL = (
    b"From: Bob <bob@example.org>\r\nSubject: news\r\nMessage-ID: <1@example.org>\r\n\r\nNews.\r\n"
)
CURSOR = {"after": "a1", "since": ""}
ANSWER = Said("a1", "client-1", is_ours=False, body="Thanks.", answers="mail-7-1")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with contextlib.closing(State(str(tmp_path / "state"), "alice@example.org")) as opened:
        yield opened


def test_a_mail_and_an_answer_that_come_again_are_there_once(state: State) -> None:
    for _ in range(2):
        state.take_mail("mail-7-1", MAIL)
        state.take_chat(CURSOR, [ANSWER])
    assert [ident for ident, _ in state.unshown()] == ["mail-7-1"]
    ((_, recipient, raw),) = state.mails("new")
    assert recipient == "bob@example.org"
    assert message_from_bytes(raw, policy=policy.default)["In-Reply-To"] == "<1@example.org>"


def test_what_the_archive_holds_of_ours_is_not_sent_again(state: State) -> None:
    state.take_mail("mail-7-1", MAIL)
    state.take_chat(CURSOR, [Said("a0", "mail-7-1", is_ours=True, body="", answers="")])
    state.take_mail("mail-7-1", MAIL)
    assert state.unshown() == []


def test_our_own_copy_proves_that_a_mail_in_doubt_went_out(state: State) -> None:
    state.take_mail("mail-7-1", MAIL)
    state.take_chat(CURSOR, [ANSWER])
    ((ident, _, raw),) = state.mails("new")
    state.mark(ident, "sending")
    state.take_mail("mail-7-2", raw)
    assert state.mails("sending") == []
    assert len(state.mails("sent")) == 1


def test_the_copy_of_an_answer_that_was_refused_proves_nothing(state: State) -> None:
    state.take_mail("mail-7-1", MAIL)
    state.take_chat(CURSOR, [ANSWER])
    ((ident, _, raw),) = state.mails("new")
    state.mark(ident, "refused")
    state.take_mail("mail-7-2", raw)
    assert len(state.mails("refused")) == 1


def test_the_person_is_told_once_what_cannot_be_known(state: State) -> None:
    for _ in range(2):
        state.note("a1-told", "It is not known.")
    assert state.unshown() == [("note-a1-told", "It is not known.")]


@pytest.mark.parametrize("answers", ["", "mail-7-2", "note-a1-told"])
def test_an_answer_to_no_mail_is_told_and_not_sent(state: State, answers: str) -> None:
    state.take_chat(CURSOR, [Said("a1", "c", is_ours=False, body="Thanks.", answers=answers)])
    assert state.mails("new") == []
    assert [ident for ident, _ in state.unshown()] == ["note-a1"]


@pytest.mark.parametrize(
    "sender",
    [b"", b"nobody", b"bob@example.org\r\nBcc: eve@example.org", b"a\0b@\xff", b"<@:;>", b"="],
)
def test_no_sender_stops_the_bridge_or_adds_a_recipient(state: State, sender: bytes) -> None:
    state.take_mail("mail-7-1", b"From: " + sender + b"\r\nSubject: x\r\n\r\n")
    state.take_chat(CURSOR, [ANSWER])
    assert all(b"\nBcc" not in raw for _, _, raw in state.mails("new"))
    assert len(state.mails("new")) + len(state.mails("void")) == 1


def test_a_mail_that_cannot_be_read_is_told_all_the_same() -> None:
    raw = b"Content-Type: text/plain; charset=no-such-thing\r\n\r\nx\xff\r\n"
    assert "cannot be read" in text_of(raw)


def test_nothing_is_shown_that_would_end_the_stream() -> None:
    assert printable("a\0\x1b\ufffe\ud800b\r\nc\td") == "a    b\nc\td"


def test_a_second_bridge_on_the_same_file_does_not_start(state: State, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        State(str(tmp_path / "state"), "alice@example.org")
