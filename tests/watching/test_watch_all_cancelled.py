"""A watch of several mailboxes, cancelled at each of its awaits and taken up again."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import pytest

from securemail.reconnect import Backoff
from securemail.testing import CertificateAuthority, MailServer, Send
from securemail.testing.server import Offer
from securemail.transports.commands import Commands
from securemail.watching import Lost, MailboxChanged, Rhythm, Watch, watch_all
from tests.faults.stepping import CancelledAt, When
from tests.watching.notifying import (
    DONE,
    END,
    IDLE,
    INBOX,
    LISTS_2,
    NOTIFY,
    OK,
    ROLL,
    changed,
    counted,
    facing,
    news,
    opened,
)
from tests.watching.worlds import account

NAMES: Final = ["INBOX", "Archive"]
SOON: Final = Rhythm(poll=0.001, backoff=Backoff(base=0.001, ceiling=0.001))
MESSAGES: Final = 2


class Life:
    """A watch, and a server on which a message comes whenever one was told."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.events: Watch[Any, Any] = watch_all(account(server), NAMES, rhythm=SOON)
        self.told: Counter[tuple[str, int]] = Counter()
        self.sent = 0
        self.lost = 0

    def deliver(self) -> None:
        # Both at once: the bell of one rings while the other is open.
        for name in NAMES:
            self.server.store.deliver("alice", b"\r\nNews.\r\n", mailbox=name)
        self.sent += 1

    @property
    def is_told(self) -> bool:
        return self.told.total() == self.sent * len(NAMES)

    async def go_on(self, until: int = MESSAGES) -> None:
        while self.told.total() < until * len(NAMES):
            name, event = await anext(self.events)
            match event:
                case MailboxChanged(_, new):
                    self.told.update((name, uid) for uid in new)
                case Lost():
                    self.lost += 1
            if self.is_told and self.sent < until:
                self.deliver()


@pytest.mark.parametrize(
    ("has_notify", "when"),
    [
        (True, When.WOKEN),
        pytest.param(True, When.WAITING, marks=pytest.mark.full),
        pytest.param(False, When.WOKEN, marks=pytest.mark.full),
        pytest.param(False, When.WAITING, marks=pytest.mark.full),
    ],
    ids=["notify-woken", "notify-waiting", "polled-woken", "polled-waiting"],
)
async def test_it_can_be_cancelled_at_each_await_and_taken_up_again(
    ca: CertificateAuthority, has_notify: bool, when: When
) -> None:
    offer = Offer(notify=has_notify)
    async with MailServer({"alice": "secret"}, ca=ca, offer=offer) as server:
        server.store.create("alice", "Archive")
        place, was_cancelled = 0, True
        while was_cancelled:
            place += 1
            was_cancelled = await _was_cancelled(Life(server), place, when)
        assert place > 20
        await server.wait_quiet()


async def test_a_bell_in_an_answer_that_comes_with_a_cancellation_is_made_up_for(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = b"* STATUS INBOX (HIGHESTMODSEQ 6)\r\n"
    examined = news(2, uidvalidity=7, modseq=6)
    script = (
        *(ROLL, IDLE, Send(inbox), DONE),
        opened(5, LISTS_2 + examined, name=b"INBOX")[:2],
        *(opened(5, examined, name=b"INBOX"), counted(b"INBOX", inbox)),
        *(NOTIFY, Send(INBOX.replace(b"5)", b"6)") + LISTS_2 + OK)),
        *(opened(1, news(1)), counted(b"Lists", LISTS_2), END),
    )
    ask = Commands.ask

    async def ask_and_be_cancelled(commands: Commands, text: str) -> Any:
        answer = await ask(commands, text)
        if text.startswith("EXAMINE"):
            monkeypatch.undo()
            raise asyncio.CancelledError
        return answer

    monkeypatch.setattr(Commands, "ask", ask_and_be_cancelled)
    async with facing(*script, ca=ca) as events:
        with pytest.raises(asyncio.CancelledError):
            await changed(events)
        assert [(await changed(events))[0] for _ in range(2)] == ["INBOX", "Lists"]


async def _was_cancelled(life: Life, place: int, when: When) -> bool:
    first = {name: life.server.store.mailbox("alice", name).uidnext for name in NAMES}
    task = asyncio.ensure_future(_awaited(CancelledAt(life.go_on(), place, when)))
    async with asyncio.timeout(30):
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
        # What is told twice would be told before the last one.
        if life.sent and life.is_told:
            life.deliver()
        await life.go_on(MESSAGES + 1)
        await life.events.aclose()
    assert life.lost <= len(NAMES)
    assert life.is_told
    assert set(life.told.values()) == {1}
    assert all(uid >= first[name] for name, uid in life.told)
    return task.cancelled()


async def _awaited(steps: CancelledAt) -> None:
    await steps
