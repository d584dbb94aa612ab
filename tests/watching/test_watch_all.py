"""Watching several mailboxes on the embedded server, which has NOTIFY or has it not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from securemail import CommandError, UsageError, limits
from securemail.testing import CertificateAuthority, MailServer
from securemail.testing.server import Offer
from securemail.uids import UIDSet
from securemail.watching import (
    Connected,
    Cursor,
    Lost,
    MailboxChanged,
    MaildropCursor,
    UIDValidityChanged,
    Watch,
    watch_all,
)
from securemail.watching.several import SeveralSource
from tests.watching.worlds import SOON, account, pop3_account

# Nothing here takes a second.
LIMIT_S: Final = 20
MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"
NAMES = ["INBOX", "Archive", "Entwürfe"]
WIRE = {"INBOX": "INBOX", "Archive": "Archive", "Entwürfe": "Entw&APw-rfe"}


def uids(*numbers: int) -> UIDSet:
    return UIDSet.of(numbers)


def deliver(server: MailServer, name: str) -> None:
    server.store.deliver("alice", MESSAGE, mailbox=WIRE[name])


async def until(events: Watch[Any, Any], kind: type[Any], name: str | None = None) -> Any:
    """Return the next pair with an event of that kind, of that mailbox if one is named."""
    async with asyncio.timeout(LIMIT_S):
        async for mailbox, event in events:
            if isinstance(event, kind) and name in (None, mailbox):
                return mailbox, event
    raise AssertionError(f"the watch ended without {kind.__name__}")


def watching(server: MailServer, **options: Any) -> Watch[Any, Any]:
    return watch_all(account(server), NAMES, rhythm=SOON, **options)


@pytest.fixture(params=[True, False], ids=["notify", "polled"])
async def server(
    ca: CertificateAuthority, request: pytest.FixtureRequest
) -> AsyncIterator[MailServer]:
    offer = Offer(notify=request.param)
    async with MailServer({"alice": "secret"}, ca=ca, offer=offer) as running:
        for name in NAMES[1:]:
            running.store.create("alice", WIRE[name])
        yield running


async def test_each_mailbox_tells_its_own_news_over_one_connection(server: MailServer) -> None:
    deliver(server, "Archive")
    async with watching(server) as events:
        connected = [await anext(events) for _ in NAMES]
        assert [(name, event.cursor.uidnext) for name, event in connected] == [
            ("INBOX", 1),
            ("Archive", 2),
            ("Entwürfe", 1),
        ]
        is_pushed = {event.is_pushed for _, event in connected}
        assert is_pushed == {server._site.has_notify}
        for name, number in (("Archive", 2), ("Entwürfe", 1), ("INBOX", 1)):
            deliver(server, name)
            assert (await anext(events))[1].new == uids(number)
        server.store.mailbox("alice", "Archive").expunge([1])
        name, change = await anext(events)
        assert (name, change.expunged) == ("Archive", uids(1))
        assert events.cursor is not None
        assert events.cursor["Archive"] == change.cursor
        assert server.accepted == 1


async def test_news_are_heard_while_waiting(server: MailServer) -> None:
    async with watching(server) as events:
        await until(events, Connected, NAMES[-1])
        for name in NAMES:
            waiting = asyncio.create_task(until(events, MailboxChanged))
            for _ in range(200):
                await asyncio.sleep(0)
            deliver(server, name)
            assert (await waiting)[0] == name


async def test_a_line_that_drops_is_told_for_each_and_what_came_meanwhile_comes_once(
    server: MailServer,
) -> None:
    async with watching(server) as events:
        await until(events, Connected, NAMES[-1])
        server.kill()
        lost = [await until(events, Lost) for _ in NAMES]
        assert [name for name, _ in lost] == NAMES
        deliver(server, "Archive")
        deliver(server, "INBOX")
        told = dict([await until(events, MailboxChanged), await until(events, MailboxChanged)])
        assert {name: change.new for name, change in told.items()} == {
            "Archive": uids(1),
            "INBOX": uids(1),
        }
        deliver(server, "Archive")
        assert (await until(events, MailboxChanged))[1].new == uids(2)


async def test_a_program_that_was_killed_goes_on_from_its_cursors_and_may_add_a_mailbox(
    server: MailServer,
) -> None:
    stored = {}
    async with watch_all(account(server), ["INBOX", "Archive"], rhythm=SOON) as events:
        for _ in range(2):
            name, event = await anext(events)
            assert isinstance(event, Connected)
            stored[name] = Cursor.from_json(event.cursor.to_json())
    for name in NAMES:
        deliver(server, name)
    async with watching(server, since=stored) as events:
        first = [await anext(events) for _ in NAMES]
        assert [event.cursor.uidnext for _, event in first] == [1, 1, 2]
        told = [await until(events, MailboxChanged), await until(events, MailboxChanged)]
        assert {name for name, _ in told} == {"INBOX", "Archive"}


async def test_a_change_of_uidvalidity_is_told_of_its_mailbox(server: MailServer) -> None:
    deliver(server, "Archive")
    async with watching(server) as events:
        await until(events, Connected, NAMES[-1])
        server.store.renumber("alice", "Archive")
        server.kill()
        name, changed = await until(events, UIDValidityChanged)
        assert (name, changed.before) == ("Archive", 2)


async def test_an_iteration_that_was_cancelled_can_be_taken_up_again(server: MailServer) -> None:
    async with watching(server) as events:
        await until(events, Connected, NAMES[-1])
        for number in (1, 2, 3):
            waiting = asyncio.create_task(until(events, MailboxChanged))
            for _ in range(10 * number):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            deliver(server, "Archive")
            assert (await until(events, MailboxChanged))[1].new == uids(number)


async def test_a_watch_that_is_cancelled_anywhere_leaves_nothing(server: MailServer) -> None:
    for turns in range(0, 160, 9):
        events = watching(server)
        waiting = asyncio.create_task(until(events, MailboxChanged))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await events.aclose()
    await server.wait_quiet()


async def test_a_mailbox_that_does_not_exist_ends_the_watch_with_its_name(
    server: MailServer,
) -> None:
    async with watching(server) as events:
        await until(events, Connected, NAMES[-1])
        server.store.delete("alice", "Archive")
        server.kill()
        with pytest.raises(CommandError, match="Archive") as caught:
            await until(events, MailboxChanged)
        assert caught.value.mailbox == "Archive"
        assert [event async for event in events] == []


@pytest.mark.parametrize(
    ("mailboxes", "since", "field"),
    [
        ([], None, "mailboxes"),
        ("INBOX", None, "mailboxes"),
        (["INBOX", "inbox"], None, "mailboxes"),
        ([str(n) for n in range(limits.WATCHED_MAILBOXES + 1)], None, "mailboxes"),
        (["a\r\nb"], None, "mailbox"),
        (["INBOX"], {"inbox": Cursor(1, 1)}, "since"),
        (["INBOX"], {"INBOX": MaildropCursor(b"")}, "since"),
    ],
)
def test_what_cannot_be_watched_is_a_usage_error(
    server: MailServer, mailboxes: Any, since: Any, field: str
) -> None:
    with pytest.raises(UsageError) as caught:
        watch_all(account(server), mailboxes, since=since)
    assert caught.value.field == field


def test_as_many_mailboxes_as_the_limit_says_may_be_watched(server: MailServer) -> None:
    watch_all(account(server), [str(n) for n in range(limits.WATCHED_MAILBOXES)])


def test_names_of_8000_octets_are_sent_in_one_command_and_no_more() -> None:
    def source(last: int) -> SeveralSource:
        names = [*(str(n) * 900 for n in range(8)), "y" * last]
        return SeveralSource(names, idle_s=1, poll_s=1, timeout_s=1)

    fits = limits.NOTIFY_BYTES - len(source(1)._notify) + 1
    assert source(fits)._is_short
    assert not source(fits + 1)._is_short


async def test_mailboxes_with_names_that_are_too_long_are_polled(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NOTIFY_BYTES", 10)
    async with watching(server) as events:
        assert not (await until(events, Connected, NAMES[-1]))[1].is_pushed
        deliver(server, "Archive")
        assert (await until(events, MailboxChanged))[0] == "Archive"


def test_several_mailboxes_need_imap(server: MailServer) -> None:
    with pytest.raises(UsageError):
        watch_all(pop3_account(server), ["INBOX"])
