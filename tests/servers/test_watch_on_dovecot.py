"""Watching a mailbox on a real Dovecot, with QRESYNC, with CONDSTORE alone, and with neither."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from securemail import (
    Account,
    ConnectError,
    Password,
    SecureSession,
    Service,
    TLSMode,
    connect_imap,
)
from securemail.reconnect import Backoff
from securemail.uids import UIDSet
from securemail.watching import (
    Connected,
    Cursor,
    Lost,
    MailboxChanged,
    MaildropChanged,
    Rhythm,
    UIDValidityChanged,
    Watch,
    watch,
)
from securemail.watching.imap import IMAPSource
from tests.servers.dovecot import DovecotWorld
from tests.servers.test_imap_on_dovecot import account, message
from tests.watching.worlds import until

pytestmark = pytest.mark.dovecot

SOON = Rhythm(poll=0.05, backoff=Backoff(base=0.01, ceiling=0.1))

ALL = frozenset[str]()
WITHOUT_QRESYNC = frozenset({"QRESYNC"})
WITHOUT_ALL = frozenset({"QRESYNC", "CONDSTORE", "ESEARCH"})
WITHOUT_IDLE = frozenset({"IDLE"})
WITHOUT_ALL_AND_IDLE = WITHOUT_ALL | WITHOUT_IDLE
KINDS = pytest.mark.parametrize(
    "missing",
    [
        ALL,
        WITHOUT_QRESYNC,
        WITHOUT_ALL,
        pytest.param(WITHOUT_IDLE, marks=pytest.mark.full),
        pytest.param(WITHOUT_ALL_AND_IDLE, marks=pytest.mark.full),
    ],
    ids=lambda missing: "without " + ("+".join(sorted(missing)) or "nothing"),
)


@dataclass(frozen=True)
class Lesser:
    """A session whose server seems to offer less."""

    session: SecureSession[Any]
    missing: frozenset[str]

    @property
    def client(self) -> Any:
        return self.session.client

    @property
    def confidentiality(self) -> Any:
        return self.session.confidentiality

    @property
    def capabilities(self) -> frozenset[str]:
        return self.session.capabilities - self.missing


class LesserSource(IMAPSource):
    """A mailbox on a server that seems to offer less."""

    missing: frozenset[str] = frozenset()

    async def open(self, session: Any, cursor: Cursor | None) -> Any:
        return await super().open(Lesser(session, self.missing), cursor)  # type: ignore[arg-type]  # a session with less


def watching(world: DovecotWorld, missing: frozenset[str], since: Cursor | None = None) -> Watch:
    events = watch(account(world, TLSMode.IMPLICIT), since=since, rhythm=SOON)
    source = LesserSource("INBOX", idle_s=SOON.idle, poll_s=SOON.poll, timeout_s=10)
    source.missing = missing
    events._source = source
    return events


def cursor_of(events: Watch) -> Cursor:
    assert isinstance(events.cursor, Cursor)
    return events.cursor


@KINDS
async def test_news_flags_and_expunges_are_announced(
    own_dovecot: DovecotWorld, missing: frozenset[str]
) -> None:
    for number in range(3):
        own_dovecot.deliver("alice", message(number))
    async with (
        watching(own_dovecot, missing) as events,
        connect_imap(account(own_dovecot, TLSMode.STARTTLS)) as other,
    ):
        assert (await until(events, Connected)).is_pushed is ("IDLE" not in missing)
        assert cursor_of(events).uidnext == 4
        await other.client.select("INBOX")
        own_dovecot.deliver("alice", message(4))
        assert (await until(events, MailboxChanged)).new == UIDSet.of([4])
        await other.client.uid("store", "2", "+FLAGS", r"(\Seen \Deleted)")
        assert (await until(events, MailboxChanged)).flags == UIDSet.of([2])
        await other.client.expunge()
        assert (await until(events, MailboxChanged)).expunged == UIDSet.of([2])


@KINDS
async def test_a_server_that_is_killed_and_back_costs_no_event_and_repeats_none(
    own_dovecot: DovecotWorld, missing: frozenset[str]
) -> None:
    for number in range(3):
        own_dovecot.deliver("alice", message(number))
    async with watching(own_dovecot, missing) as events:
        await until(events, Connected)
        own_dovecot.kill()
        assert isinstance((await until(events, Lost)).error, ConnectError)
        own_dovecot.deliver("alice", message(4))
        await asyncio.to_thread(own_dovecot.start)
        assert (await until(events, MailboxChanged)).new == UIDSet.of([4])
        own_dovecot.deliver("alice", message(5))
        assert (await until(events, MailboxChanged)).new == UIDSet.of([5])


@KINDS
async def test_what_happens_while_nobody_watches_is_announced_from_the_cursor(
    own_dovecot: DovecotWorld, missing: frozenset[str]
) -> None:
    for number in range(5):
        own_dovecot.deliver("alice", message(number))
    async with watching(own_dovecot, missing) as events:
        await until(events, Connected)
        stored = cursor_of(events)
    async with connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as other:
        await other.client.select("INBOX")
        await other.client.uid("store", "1,3", "+FLAGS", r"(\Deleted)")
        await other.client.expunge()
        await other.client.uid("store", "5", "+FLAGS", r"(\Flagged)")
    own_dovecot.deliver("alice", message(6))
    since = Cursor.from_json(stored.to_json())
    async with watching(own_dovecot, missing, since) as events:
        change = await until(events, MailboxChanged)
    assert change.new == UIDSet.of([6])
    assert change.expunged == UIDSet.of([1, 3])
    assert change.flags == (UIDSet() if "CONDSTORE" in missing else UIDSet.of([5]))
    async with watching(own_dovecot, missing, change.cursor) as events:
        await until(events, Connected)
        own_dovecot.deliver("alice", message(7))
        again = await until(events, MailboxChanged)
    assert (again.new, again.expunged) == (UIDSet.of([7]), UIDSet())
    assert again.flags == UIDSet()


@KINDS
async def test_a_mailbox_that_is_made_anew_has_another_uidvalidity(
    own_dovecot: DovecotWorld, missing: frozenset[str]
) -> None:
    own_dovecot.deliver("alice", message(1))
    async with watching(own_dovecot, missing) as events:
        await until(events, Connected)
        before = cursor_of(events)
        own_dovecot.kill()
        maildir = own_dovecot.directory / "mail" / "alice" / "Maildir"
        for index in tuple(maildir.glob("dovecot*")):
            index.unlink()
        uidlist = maildir / "dovecot-uidlist"
        uidlist.write_text("3 V77 N9 Gfeedfeedfeedfeedfeedfeedfeedfeed\n")
        uidlist.chmod(0o666)
        await asyncio.to_thread(own_dovecot.start)
        changed = await until(events, UIDValidityChanged)
    assert changed.before == before.uidvalidity
    assert changed.cursor.uidvalidity == 77


async def test_a_cursor_from_a_server_without_qresync_is_good_for_one_with_it(
    own_dovecot: DovecotWorld,
) -> None:
    for number in range(3):
        own_dovecot.deliver("alice", message(number))
    async with watching(own_dovecot, WITHOUT_ALL) as events:
        await until(events, Connected)
        stored = cursor_of(events)
    own_dovecot.deliver("alice", message(4))
    async with watching(own_dovecot, ALL, stored) as events:
        assert (await until(events, MailboxChanged)).new == UIDSet.of([4])
        own_dovecot.deliver("alice", message(5))
        change = await until(events, MailboxChanged)
    assert change.new == UIDSet.of([5])
    assert change.cursor.uids is None


async def test_a_maildrop_is_watched_through_a_restart(own_dovecot: DovecotWorld) -> None:
    mine = Account(
        "alice@example.test",
        pop3=_pop3(own_dovecot),
        trust=account(own_dovecot, TLSMode.IMPLICIT).trust,
        credentials=Password("alice", own_dovecot.passwords["alice"]),
    )
    async with watch(mine, rhythm=SOON) as events:
        await until(events, Connected)
        own_dovecot.deliver("alice", message(1))
        assert len((await until(events, MaildropChanged)).new) == 1
        own_dovecot.kill()
        await until(events, Lost)
        own_dovecot.deliver("alice", message(2))
        await asyncio.to_thread(own_dovecot.start)
        assert len((await until(events, MaildropChanged)).new) == 1


def _pop3(world: DovecotWorld) -> Any:
    where = account(world, TLSMode.IMPLICIT).endpoint(Service.IMAP)
    assert where is not None
    return type(where)(where.host, world.pop3s_port, where.tls, addresses=where.addresses)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.full)])
@pytest.mark.parametrize("missing", [ALL, WITHOUT_ALL], ids=["qresync", "without"])
async def test_every_message_is_announced_exactly_once_whatever_happens(
    own_dovecot: DovecotWorld, missing: frozenset[str], seed: int
) -> None:
    """The program is killed after it stored its cursor; so are sessions, and the server."""
    chance = random.Random(seed)
    announced: Counter[int] = Counter()
    sent = 0
    events = watching(own_dovecot, missing)
    await until(events, Connected)
    stored = cursor_of(events)
    for _ in range(25):
        for _ in range(chance.randrange(4)):
            own_dovecot.deliver("alice", message(sent))
            sent += 1
        match chance.randrange(6):
            case 0:
                own_dovecot.kill_sessions("alice")
            case 1:
                await events.aclose()
                events = watching(own_dovecot, missing, stored)
            case 2 if chance.randrange(3) == 0:
                await asyncio.to_thread(own_dovecot.restart)
        if announced.total() < sent:
            change = await until(events, MailboxChanged)
            announced.update(change.new)
            stored = change.cursor
    while announced.total() < sent:
        change = await until(events, MailboxChanged)
        announced.update(change.new)
    await events.aclose()
    assert announced == Counter(range(1, sent + 1))
