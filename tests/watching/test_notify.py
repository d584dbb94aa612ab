"""Servers with NOTIFY (RFC 5465), in order and out of it, against several watched mailboxes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from securemail import ConnectError, LimitExceeded, ProtocolError
from securemail.testing import CertificateAuthority, Close, Expect, Hang, Repeat, Send, Step
from securemail.uids import UIDSet
from securemail.watching import Connected, Cursor, Lost, MailboxChanged, Rhythm
from tests.watching.notifying import (
    DONE,
    END,
    IDLE,
    INBOX,
    LISTS,
    LISTS_2,
    LISTS_3,
    NOTIFY,
    OK,
    ROLL,
    SINCE,
    changed,
    counted,
    facing,
    news,
    opened,
)
from tests.watching.test_watch_all import until


async def test_a_bell_has_its_mailbox_looked_at_and_no_other(ca: CertificateAuthority) -> None:
    script = (ROLL, IDLE, Send(LISTS_2), DONE, opened(1, news(1)), counted(b"Lists", LISTS_2))
    async with facing(*script, END, ca=ca) as events:
        connected = [await anext(events), await anext(events)]
        assert [(name, event.is_pushed) for name, event in connected] == [
            ("INBOX", True),
            ("Lists", True),
        ]
        name, change = await anext(events)
        assert (name, change.new) == ("Lists", UIDSet.of([1]))
        assert events.cursor == {**SINCE, "Lists": Cursor(8, 2, 2)}


async def test_what_happens_while_a_mailbox_is_open_is_looked_at_again(
    ca: CertificateAuthority,
) -> None:
    script = (ROLL, IDLE, Send(LISTS_2), DONE, opened(1, news(1)), counted(b"Lists", LISTS_3))
    async with facing(
        *script, opened(2, news(2)), counted(b"Lists", LISTS_3), END, ca=ca
    ) as events:
        for number in (1, 2):
            assert (await changed(events))[1].new == UIDSet.of([number])


async def test_a_bell_in_the_answer_to_another_command_is_heard(ca: CertificateAuthority) -> None:
    inbox = b"* STATUS INBOX (HIGHESTMODSEQ 6)\r\n"
    examined = LISTS_2 + news(2, uidvalidity=7, modseq=6)
    script = (
        *(ROLL, IDLE, Send(inbox), DONE),
        opened(5, examined, name=b"INBOX"),
        counted(b"INBOX", inbox),
        opened(1, news(1)),
        counted(b"Lists", LISTS_2),
    )
    async with facing(*script, END, ca=ca) as events:
        assert (await changed(events))[0] == "INBOX"
        assert (await changed(events))[0] == "Lists"


@pytest.mark.parametrize(
    "said",
    [
        (Expect(rb"\w+ IDLE"), Send(b"+ idling\r\n* NO NOTIFY error, some events lost\r\n"), DONE),
        # Behind the answer, when nobody asks anything.
        (Expect(rb"\w+ IDLE"), Send(b"+ idling\r\n* STATUS Other (MESSAGES 2)\r\n"),
         Expect(b"DONE"), Send(OK + b"* STATUS Lists (MESSAGES 1)\r\n")),
    ],
    ids=["trouble", "between two commands"],
)  # fmt: skip
async def test_what_may_have_been_lost_is_counted_anew(
    said: tuple[Any, ...], ca: CertificateAuthority
) -> None:
    steps: list[Step] = []
    for step in said:
        steps += step if isinstance(step, tuple) else (step,)
    again = (NOTIFY, Send(INBOX + LISTS_2 + OK))
    look = (opened(1, news(1)), counted(b"Lists", LISTS_2))
    async with facing(ROLL, *steps, again, *look, END, ca=ca) as events:
        assert (await changed(events))[1].new == UIDSet.of([1])


@pytest.mark.parametrize(
    "no", [b"NO [BADEVENT (MessageNew)] x", b"NO [NOTIFICATIONOVERFLOW] x", b"BAD what"]
)
async def test_a_server_that_refuses_to_notify_is_polled(
    no: bytes, ca: CertificateAuthority
) -> None:
    polled = (*counted(b"INBOX", INBOX), *counted(b"Lists", LISTS))
    script = (NOTIFY, Send(b"{tag} " + no + b"\r\n"), polled, polled, counted(b"INBOX", INBOX))
    async with facing(
        *script, counted(b"Lists", LISTS_2), opened(1, news(1)), END, ca=ca
    ) as events:
        assert not (await anext(events))[1].is_pushed
        assert (await changed(events))[1].new == UIDSet.of([1])


async def test_after_an_overflow_the_server_is_asked_again_and_not_at_once(
    ca: CertificateAuthority,
) -> None:
    over = Send(b"* OK [NOTIFICATIONOVERFLOW] too much\r\n")
    again = (NOTIFY, Send(INBOX + LISTS_2 + OK))
    look = (opened(1, news(1)), counted(b"Lists", LISTS_2))
    async with facing(ROLL, IDLE, over, DONE, again, *look, END, ca=ca) as events:
        assert (await changed(events))[1].new == UIDSet.of([1])


async def test_to_open_one_mailbox_makes_up_for_nothing_that_was_said_of_others(
    ca: CertificateAuthority,
) -> None:
    inbox = b"* STATUS INBOX (HIGHESTMODSEQ 6)\r\n"
    script = (
        *(ROLL, IDLE, Send(inbox + LISTS_2), DONE),
        opened(5, news(2, uidvalidity=7, modseq=6), name=b"INBOX"),
        # Behind the answer, when nobody asks anything.
        counted(b"INBOX", inbox)[0],
        Send(inbox + OK + b"* STATUS INBOX (HIGHESTMODSEQ 7)\r\n"),
        opened(1, news(1)),
        counted(b"Lists", LISTS_2),
        *(NOTIFY, Send(INBOX.replace(b"5)", b"7)") + LISTS_2 + OK)),
        opened(6, news(2, uidvalidity=7, modseq=7), name=b"INBOX"),
        counted(b"INBOX", b"* STATUS INBOX (HIGHESTMODSEQ 7)\r\n"),
    )
    async with facing(*script, END, ca=ca) as events:
        assert [(await changed(events))[0] for _ in range(3)] == ["INBOX", "Lists", "INBOX"]


async def test_a_server_that_always_speaks_unasked_is_polled(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = b"* OK still here\r\n"
    rolls = (NOTIFY, Send(INBOX + LISTS + OK + noise)) * 5
    last = (NOTIFY, Send(INBOX + LISTS_2 + OK), opened(1, news(1)), counted(b"Lists", LISTS_2))
    rhythm = Rhythm(idle=1700.0, poll=1000.0)
    slept: list[float] = []
    async with facing(rolls, *last, END, ca=ca, rhythm=rhythm) as events:

        async def sleep(seconds: float) -> None:
            if seconds > 0:
                slept.append(seconds)
                events._source._due.put_off(0)  # type: ignore[attr-defined]  # it is SeveralSource

        monkeypatch.setattr(asyncio, "sleep", sleep)
        await changed(events)
    # One roll when the session begins, three at once, and the other two when it is their time.
    assert slept == [pytest.approx(rhythm.poll, abs=30)] * 2


async def test_a_mailbox_of_which_the_server_does_not_speak_is_polled(
    ca: CertificateAuthority,
) -> None:
    roll = (NOTIFY, Send(INBOX + OK))
    script = (roll, counted(b"Lists", LISTS), IDLE, DONE, roll, counted(b"Lists", LISTS_2))
    async with facing(
        *script, opened(1, news(1)), counted(b"Lists", LISTS_2), END, ca=ca
    ) as events:
        assert (await until(events, Connected, "INBOX"))[1].is_pushed
        assert not (await until(events, Connected, "Lists"))[1].is_pushed
        assert (await changed(events))[1].new == UIDSet.of([1])


async def test_a_server_that_does_not_ring_is_counted_when_the_idle_is_renewed(
    ca: CertificateAuthority,
) -> None:
    rhythm = Rhythm(idle=0.01, poll=60.0)
    again = (NOTIFY, Send(INBOX + LISTS_2 + OK))
    look = (opened(1, news(1)), counted(b"Lists", LISTS_2))
    script = (ROLL, IDLE, DONE, again, *look, END)
    async with facing(*script, ca=ca, rhythm=rhythm) as events:
        assert (await changed(events))[1].new == UIDSet.of([1])


async def test_a_mailbox_that_cannot_be_opened_for_now_does_not_stop_the_others(
    ca: CertificateAuthority,
) -> None:
    refused = (
        *(Expect(rb'\w+ EXAMINE "Lists" .*'), Send(b"{tag} NO [SERVERBUG] oops\r\n")),
        *(Expect(rb"\w+ UNSELECT"), Send(b"{tag} BAD nothing is selected\r\n")),
    )
    inbox = b"* STATUS INBOX (HIGHESTMODSEQ 6)\r\n"
    script = (
        *(ROLL, IDLE, Send(LISTS_2 + inbox), DONE),
        *(
            opened(5, news(2, uidvalidity=7, modseq=6), name=b"INBOX"),
            counted(b"INBOX", inbox),
            refused,
        ),
        *(IDLE, DONE, (NOTIFY, Send(INBOX.replace(b"5)", b"6)") + LISTS_2 + OK))),
        *(opened(1, news(1)), counted(b"Lists", LISTS_2), END),
    )
    rhythm = Rhythm(idle=60.0, poll=0.05)
    async with facing(*script, ca=ca, rhythm=rhythm) as events:
        await until(events, Connected, "Lists")
        seen = [await anext(events) for _ in range(4)]
        assert [(name, type(event)) for name, event in seen] == [
            ("INBOX", MailboxChanged),
            ("Lists", Lost),
            ("Lists", Connected),
            ("Lists", MailboxChanged),
        ]
        assert seen[1][1].error.mailbox == "Lists"
        assert seen[1][1].retry_s == pytest.approx(rhythm.poll)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ((Send(b"* STATUS Lists (UIDNEXT 99999999999)\r\n"), Hang()), ProtocolError),
        ((Send(b"* STATUS Lists\r\n"), Hang()), ProtocolError),
        ((Send(b"* LIST () NIL {1}\r\nx\r\n"), Hang()), ProtocolError),
        ((Send(b"* BYE going down\r\n"), Hang()), ConnectError),
        ((Close(),), ConnectError),
        ((Repeat(b"* STATUS Other (MESSAGES 1)\r\n", 60_000), Hang()), LimitExceeded),
        ((Repeat(b"* STATUS Lists (MESSAGES 1)\r\n", 60_000), Hang()), LimitExceeded),
    ],
    ids=["number", "malformed", "literal", "bye", "close", "flood of others", "flood"],
)
async def test_a_server_that_pushes_nonsense_or_without_end_is_lost(
    steps: tuple[Step, ...], kind: type[Exception], ca: CertificateAuthority
) -> None:
    async with facing(ROLL, IDLE, *steps, ca=ca, is_whole=False) as events:
        for _ in range(2):
            assert isinstance((await until(events, Lost))[1].error, kind)
            await until(events, Connected)
