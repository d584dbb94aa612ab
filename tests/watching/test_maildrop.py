"""Watching a POP3 mailbox: polled, each message announced once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from securemail import SecureSession, Service, UsageError
from securemail.testing import MailServer
from securemail.watching import Connected, MaildropChanged, MaildropCursor, watch
from securemail.watching.maildrop import MaildropSource, login_delay
from tests.watching.worlds import pop3_account, until, watching

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"


async def test_messages_are_announced_once_by_their_unique_ids(server: MailServer) -> None:
    server.store.deliver("alice", MESSAGE)
    async with watching(pop3_account(server)) as events:
        first = await until(events, Connected)
        assert not first.is_pushed
        server.store.deliver("alice", MESSAGE)
        server.store.deliver("alice", MESSAGE)
        change = await until(events, MaildropChanged)
        assert len(change.new) == 2
        server.store.mailbox("alice").expunge([1])
        server.store.deliver("alice", MESSAGE)
        (last,) = (await until(events, MaildropChanged)).new
        assert last not in change.new


async def test_a_program_that_was_killed_goes_on_from_its_cursor(server: MailServer) -> None:
    async with watching(pop3_account(server)) as events:
        stored = (await until(events, Connected)).cursor.to_json()
    server.store.deliver("alice", MESSAGE)
    async with watching(pop3_account(server), since=MaildropCursor.from_json(stored)) as events:
        change = await until(events, MaildropChanged)
        assert len(change.new) == 1
        assert isinstance(events.cursor, MaildropCursor)
        assert not events.cursor.is_new(change.new[0])


async def test_no_session_is_held_between_two_looks(server: MailServer) -> None:
    async with watching(pop3_account(server)) as events:
        await until(events, Connected)
        await server.wait_quiet()
        server.store.deliver("alice", MESSAGE)
        await until(events, MaildropChanged)
        assert server.accepted >= 2


@dataclass(frozen=True)
class Saying:
    """A session whose server says how long to wait between two logins."""

    session: SecureSession[Any]
    capabilities: frozenset[str]

    @property
    def client(self) -> Any:
        return self.session.client


async def test_a_delay_counts_for_as_long_as_the_server_asks_for_it(server: MailServer) -> None:
    source = MaildropSource(poll_s=120)
    async with await SecureSession.connect(pop3_account(server), Service.POP3) as session:
        for said, seconds in (("LOGIN-DELAY 900", 900), ("TOP", 120), ("LOGIN-DELAY 60", 120)):
            lesser: Any = Saying(session, frozenset({said}))
            await source.open(lesser, None)
            assert source.poll_s == seconds


def test_a_maildrop_has_no_other_mailbox(server: MailServer) -> None:
    with pytest.raises(UsageError) as caught:
        watch(pop3_account(server), "Sent")
    assert caught.value.field == "mailbox"


@pytest.mark.parametrize(
    ("capability", "seconds"),
    [
        ("TOP", 0),
        ("LOGIN-DELAY 900", 900),
        ("LOGIN-DELAY 120 USER", 120),
        ("LOGIN-DELAY", 0),
        ("LOGIN-DELAY X", 0),
        ("LOGIN-DELAY -5", 0),
        ("LOGIN-DELAY 999999999", 86_400),
        ("LOGIN-DELAY 9" + "9" * 5000, 0),
    ],
)
def test_a_server_says_how_long_to_wait_between_two_logins(capability: str, seconds: int) -> None:
    assert login_delay(frozenset({capability})) == seconds


def test_a_cursor_of_the_other_kind_is_a_usage_error(server: MailServer) -> None:
    with pytest.raises(UsageError):
        watch(pop3_account(server), since=object())  # type: ignore[arg-type]  # that is the point
