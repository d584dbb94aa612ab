"""Watching several mailboxes on one connection to a real Dovecot: with NOTIFY, and without."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from securemail import CommandError, TLSMode, connect_imap, watch_all
from securemail.uids import UIDSet
from securemail.watching import (
    Connected,
    Cursor,
    Lost,
    MailboxChanged,
    Rhythm,
    UIDValidityChanged,
    Watch,
    WatchEvent,
)
from securemail.watching.several import SeveralSource
from tests.servers.dovecot import DovecotWorld
from tests.servers.test_imap_on_dovecot import account, message
from tests.servers.test_watch_on_dovecot import ALL, SOON, WITHOUT_ALL, WITHOUT_QRESYNC, Lesser
from tests.watching.worlds import LIMIT_S

pytestmark = pytest.mark.dovecot

NAMES = ["INBOX", "Archive", "Lists"]
WITHOUT_NOTIFY = frozenset({"NOTIFY"})
KINDS = pytest.mark.parametrize(
    "missing",
    [
        ALL,
        WITHOUT_NOTIFY,
        pytest.param(WITHOUT_QRESYNC, marks=pytest.mark.full),
        WITHOUT_ALL,
        pytest.param(WITHOUT_ALL | WITHOUT_NOTIFY, marks=pytest.mark.full),
    ],
    ids=lambda missing: "without " + ("+".join(sorted(missing)) or "nothing"),
)

EventT = TypeVar("EventT", bound=WatchEvent)


class LesserSource(SeveralSource):
    """Mailboxes on a server that seems to offer less."""

    missing: frozenset[str] = frozenset()

    async def open(self, session: Any, cursor: Any) -> Any:
        return await super().open(Lesser(session, self.missing), cursor)  # type: ignore[arg-type]  # a session with less


def watching(
    world: DovecotWorld,
    missing: frozenset[str] = ALL,
    *,
    names: list[str] = NAMES,
    since: Mapping[str, Cursor] | None = None,
    rhythm: Rhythm = SOON,
) -> Watch[Any, Any]:
    events = watch_all(account(world, TLSMode.IMPLICIT), names, since=since, rhythm=rhythm)
    source = LesserSource(names, idle_s=rhythm.idle, poll_s=rhythm.poll, timeout_s=10)
    source.missing = missing
    events._source = source
    return events


@asynccontextmanager
async def somebody(world: DovecotWorld) -> AsyncIterator[Any]:
    async with connect_imap(account(world, TLSMode.STARTTLS)) as session:
        yield session.client


@pytest.fixture
async def world(own_dovecot: DovecotWorld) -> DovecotWorld:
    async with somebody(own_dovecot) as client:
        for name in NAMES[1:]:
            await client.create(name)
    return own_dovecot


async def until(
    events: Watch[Any, Any], kind: type[EventT], name: str | None = None
) -> tuple[str, EventT]:
    """Return the next event of that kind, of that mailbox if one is named."""
    async with asyncio.timeout(LIMIT_S):
        async for mailbox, event in events:
            if isinstance(event, kind) and name in (None, mailbox):
                return mailbox, event
    raise AssertionError(f"the watch ended without {kind.__name__}")


@KINDS
async def test_each_mailbox_tells_what_happens_in_it(
    world: DovecotWorld, missing: frozenset[str]
) -> None:
    async with watching(world, missing) as events, somebody(world) as other:
        connected = [await anext(events) for _ in NAMES]
        assert [(name, event.is_pushed) for name, event in connected] == [
            (name, "NOTIFY" not in missing) for name in NAMES
        ]
        for name in ("Archive", "INBOX", "Lists"):
            await other.append(message(1), name)
            where, change = await until(events, MailboxChanged)
            assert (where, change.new) == (name, UIDSet.of([1]))
        await other.select("Archive")
        await other.uid("store", "1", "+FLAGS", r"(\Seen \Deleted)")
        if "CONDSTORE" not in missing:
            where, change = await until(events, MailboxChanged)
            assert (where, change.flags) == ("Archive", UIDSet.of([1]))
        await other.expunge()
        where, change = await until(events, MailboxChanged)
        assert (where, change.expunged) == ("Archive", UIDSet.of([1]))


@KINDS
async def test_what_happens_while_the_server_is_away_is_told_once(
    world: DovecotWorld, missing: frozenset[str]
) -> None:
    async with watching(world, missing) as events:
        await until(events, Connected, "Lists")
        world.kill()
        await until(events, Lost, "Lists")
        world.deliver("alice", message(1))
        world.deliver("alice", message(2), folder="Archive")
        await asyncio.to_thread(world.start)
        told = dict([await until(events, MailboxChanged), await until(events, MailboxChanged)])
        assert {name: change.new for name, change in told.items()} == {
            "INBOX": UIDSet.of([1]),
            "Archive": UIDSet.of([1]),
        }
        world.deliver("alice", message(3))
        assert (await until(events, MailboxChanged))[1].new == UIDSet.of([2])


async def test_a_mailbox_that_is_not_named_in_the_answer_is_polled(world: DovecotWorld) -> None:
    # Dovecot 2.3 does not know a name in modified UTF-7 when it comes with NOTIFY.
    async with somebody(world) as other:
        await other.create("Entw&APw-rfe")
        async with watching(world, names=["INBOX", "Entwürfe"]) as events:
            assert (await until(events, Connected, "INBOX"))[1].is_pushed
            assert not (await until(events, Connected, "Entwürfe"))[1].is_pushed
            await other.append(message(1), "Entw&APw-rfe")
            assert (await until(events, MailboxChanged))[0] == "Entwürfe"


async def test_a_mailbox_that_was_deleted_ends_the_watch_with_its_name(
    world: DovecotWorld,
) -> None:
    async with watching(world, rhythm=Rhythm(idle=0.2, poll=0.1)) as events:
        await until(events, Connected, "Lists")
        async with somebody(world) as other:
            await other.delete("Lists")
        with pytest.raises(CommandError) as caught:
            await until(events, UIDValidityChanged)
        assert caught.value.mailbox == "Lists"


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "missing",
    [ALL, pytest.param(WITHOUT_ALL, marks=pytest.mark.full)],
    ids=["qresync", "without"],
)
async def test_every_message_in_every_mailbox_is_told_exactly_once_whatever_happens(
    world: DovecotWorld, missing: frozenset[str], seed: int
) -> None:
    """The program is killed after it stored its cursors; so are sessions, and the server."""
    chance = random.Random(seed)
    told: Counter[tuple[str, int]] = Counter()
    sent: Counter[str] = Counter()
    events = watching(world, missing)
    stored = {}
    for _ in NAMES:
        name, event = await anext(events)
        stored[name] = event.cursor
    for _ in range(8):
        for _ in range(chance.randrange(4)):
            name = chance.choice(NAMES)
            sent[name] += 1
            world.deliver("alice", message(0), folder="" if name == "INBOX" else name)
        match chance.randrange(5):
            case 0:
                world.kill_sessions("alice")
            case 1:
                await events.aclose()
                events = watching(world, missing, since=stored)
            case 2 if chance.randrange(3) == 0:
                await asyncio.to_thread(world.restart)
        async with somebody(world) as other:
            # What is delivered behind its back is told when Dovecot has a reason to look.
            for name in NAMES:
                await other.select(name)
        while told.total() < sent.total():
            name, change = await until(events, MailboxChanged)
            told.update((name, uid) for uid in change.new)
            stored[name] = change.cursor
    await events.aclose()
    assert told == Counter((name, n + 1) for name in NAMES for n in range(sent[name]))
