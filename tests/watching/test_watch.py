"""Watching a mailbox on the embedded server, which has IDLE and neither CONDSTORE nor QRESYNC."""

from __future__ import annotations

import asyncio

import pytest

from securemail import ConnectError, Level, UsageError
from securemail.testing import MailServer
from securemail.throttle import Throttle
from securemail.uids import UIDSet
from securemail.watching import (
    Connected,
    Cursor,
    Lost,
    MailboxChanged,
    MaildropCursor,
    UIDValidityChanged,
    watch,
)
from tests.watching.worlds import SOON, account, all_until, until, watching

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"


def uids(*numbers: int) -> UIDSet:
    return UIDSet.of(numbers)


async def test_a_watch_begins_now_and_announces_what_comes(server: MailServer) -> None:
    server.store.deliver("alice", MESSAGE)
    async with watching(account(server)) as events:
        first = await anext(events)
        assert isinstance(first, Connected)
        assert first.is_pushed
        assert first.confidentiality.level is Level.CONFIDENTIAL
        assert first.cursor == Cursor(1, 2, None, uids(1))
        server.store.deliver("alice", MESSAGE)
        change = await until(events, MailboxChanged)
        assert change == MailboxChanged(Cursor(1, 3, None, uids(1, 2)), uids(2), uids(), uids())
        assert events.cursor == change.cursor


async def test_a_push_is_heard_while_waiting(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        waiting = asyncio.create_task(until(events, MailboxChanged))
        for _ in range(200):
            await asyncio.sleep(0)
        server.store.deliver("alice", MESSAGE)
        assert (await waiting).new == uids(1)


async def test_flags_and_expunges_of_others_are_announced(server: MailServer) -> None:
    mailbox = server.store.mailbox("alice")
    for _ in range(3):
        server.store.deliver("alice", MESSAGE)
    async with watching(account(server)) as events:
        await until(events, Connected)
        mailbox.set_flags(3, ["\\Seen"])
        assert (await until(events, MailboxChanged)).flags == uids(3)
        mailbox.expunge([2])
        change = await until(events, MailboxChanged)
        assert change.expunged == uids(2)
        assert change.cursor == Cursor(1, 4, None, uids(1, 3))


async def test_watching_takes_recent_away_from_nobody(server: MailServer) -> None:
    server.store.deliver("alice", MESSAGE)
    async with watching(account(server)) as events:
        await until(events, Connected)
        assert server.store.mailbox("alice").recent() == {1}


async def test_a_line_that_drops_is_told_and_what_came_meanwhile_comes_once(
    server: MailServer,
) -> None:
    server.store.deliver("alice", MESSAGE)
    async with watching(account(server)) as events:
        await until(events, Connected)
        server.store.deliver("alice", MESSAGE)
        await until(events, MailboxChanged)
        server.kill()
        lost = await until(events, Lost)
        assert isinstance(lost.error, ConnectError)
        assert lost.cursor == events.cursor
        assert 0 <= lost.retry_s <= 0.01
        server.store.deliver("alice", MESSAGE)
        server.store.mailbox("alice").expunge([1])
        change = await until(events, MailboxChanged)
        assert change == MailboxChanged(Cursor(1, 4, None, uids(2, 3)), uids(3), uids(1), uids())


async def test_a_program_that_was_killed_goes_on_from_its_cursor(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        server.store.deliver("alice", MESSAGE)
        stored = (await until(events, MailboxChanged)).cursor.to_json()
    server.store.deliver("alice", MESSAGE)
    server.store.deliver("alice", MESSAGE)
    async with watching(account(server), since=Cursor.from_json(stored)) as events:
        assert (await until(events, Connected)).cursor == Cursor.from_json(stored)
        assert (await until(events, MailboxChanged)).new == uids(2, 3)


async def test_a_change_of_uidvalidity_is_told_and_old_uids_are_not_announced_again(
    server: MailServer,
) -> None:
    server.store.deliver("alice", MESSAGE)
    async with watching(account(server)) as events:
        await until(events, Connected)
        server.store.renumber("alice")
        server.kill()
        seen = await all_until(events, UIDValidityChanged)
        assert not [event for event in seen if isinstance(event, MailboxChanged)]
        changed = seen[-1]
        assert isinstance(changed, UIDValidityChanged)
        assert (changed.before, changed.cursor) == (1, Cursor(2, 2, None, uids(1)))
        server.store.deliver("alice", MESSAGE)
        assert (await until(events, MailboxChanged)).new == uids(2)


async def test_an_iteration_that_was_cancelled_can_be_taken_up_again(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        for number in (1, 2, 3):
            waiting = asyncio.create_task(until(events, MailboxChanged))
            for _ in range(10 * number):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            server.store.deliver("alice", MESSAGE)
            assert (await until(events, MailboxChanged)).new == uids(number)


async def test_a_watch_that_is_cancelled_anywhere_leaves_nothing(server: MailServer) -> None:
    for turns in range(0, 120, 3):
        events = watch(account(server), rhythm=SOON)
        waiting = asyncio.create_task(until(events, MailboxChanged))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await events.aclose()
    await server.wait_quiet()


async def test_a_watch_that_is_closed_ends(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        await events.aclose()
        assert [event async for event in events] == []
    await server.wait_quiet()


async def test_a_watch_that_is_closed_while_it_connects_leaves_nothing(server: MailServer) -> None:
    for turns in range(0, 100, 7):
        events = watch(account(server), rhythm=SOON)
        waiting = asyncio.create_task(until(events, MailboxChanged))
        for _ in range(turns):
            await asyncio.sleep(0)
        await events.aclose()
        with pytest.raises(AssertionError, match="the watch ended"):
            await waiting
    await server.wait_quiet()


async def test_two_tasks_cannot_iterate_over_one_watch(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        waiting = asyncio.create_task(until(events, MailboxChanged))
        await asyncio.sleep(0)
        with pytest.raises(UsageError, match="another task"):
            await anext(events)
        waiting.cancel()
        await asyncio.wait({waiting})


async def test_the_throttle_is_held_while_connecting_and_no_longer(server: MailServer) -> None:
    throttle = Throttle(per_host=1, in_all=1)
    async with (
        watching(account(server), throttle=throttle) as one,
        watching(account(server), throttle=throttle) as other,
    ):
        await asyncio.gather(until(one, Connected), until(other, Connected))
        assert (throttle.in_flight, throttle.peak) == (0, 1)


def test_a_cursor_of_the_other_kind_is_a_usage_error(server: MailServer) -> None:
    with pytest.raises(UsageError):
        watch(account(server), since=MaildropCursor(b""))
