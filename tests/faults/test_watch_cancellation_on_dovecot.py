"""The same with a real Dovecot, which has QRESYNC: new messages, flags and expunges."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from securemail import SecureSession, TLSMode, connect_imap
from securemail.watching import Connected, Cursor, Lost, MailboxChanged, Watch
from tests.faults.stepping import CancelledAt, When
from tests.faults.sweep import open_files
from tests.servers.dovecot import DovecotWorld
from tests.servers.test_imap_on_dovecot import account, message
from tests.servers.test_watch_on_dovecot import (
    ALL,
    WITHOUT_ALL,
    WITHOUT_IDLE,
    WITHOUT_QRESYNC,
    cursor_of,
    watching,
)
from tests.watching.worlds import until

pytestmark = [pytest.mark.dovecot, pytest.mark.full]

_LIMIT_S = 60


@dataclass(slots=True)
class Told:
    """What a watch has told, over all who have iterated over it."""

    events: Watch
    new: list[int] = field(default_factory=list)
    expunged: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    lost: int = 0

    async def until(self, uid: int, world: DovecotWorld) -> None:
        """Iterate until the message `uid` was announced; the one before it brings it about."""
        while uid not in self.new:
            match await anext(self.events):
                case MailboxChanged(_, new, expunged, flags):
                    self.new += new
                    self.expunged += expunged
                    self.flags += flags
                    if uid - 1 in new:
                        world.deliver("alice", message(uid))
                case Lost():
                    self.lost += 1


@pytest.mark.parametrize("when", When, ids=lambda when: when.name)
@pytest.mark.parametrize(
    "missing",
    [ALL, WITHOUT_QRESYNC, WITHOUT_ALL, WITHOUT_IDLE],
    ids=lambda missing: "without " + ("+".join(sorted(missing)) or "nothing"),
)
async def test_a_watch_of_dovecot_can_be_cancelled_at_each_await_and_taken_up_again(
    own_dovecot: DovecotWorld, missing: frozenset[str], when: When
) -> None:
    for number in range(3):
        own_dovecot.deliver("alice", message(number))
    async with watching(own_dovecot, missing) as events:
        await until(events, Connected)
        cursor = events.cursor
    async with connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as other:
        await other.client.select("INBOX")
        number = 1
        while cursor is not None:
            cursor = await _cancelled(own_dovecot, other, cursor, missing, (number, when))
            number += 1
    assert number > 8


async def _cancelled(
    world: DovecotWorld,
    other: SecureSession[Any],
    since: Cursor,
    missing: frozenset[str],
    place: tuple[int, When],
) -> Cursor | None:
    """Return where the watch has come to, None where it does not wait so often."""
    before, tasks = open_files(), asyncio.all_tasks()
    first, gone, seen = since.uidnext, since.uidnext - 3, since.uidnext - 2
    await other.client.noop()  # RFC 3501 section 7: it knows of no message that it was not told of
    await other.client.uid("store", f"{gone}", "+FLAGS", r"(\Deleted)")
    await other.client.uid("store", f"{seen}", "+FLAGS", r"(\Flagged)")
    await other.client.expunge()
    world.deliver("alice", message(first))
    async with asyncio.timeout(_LIMIT_S), watching(world, missing, since) as events:
        told = Told(events)
        steps = CancelledAt(told.until(first + 1, world), *place)
        task = asyncio.ensure_future(_result(steps))
        await asyncio.wait([task])
        await told.until(first + 1, world)
        world.deliver("alice", message(first + 2))
        await told.until(first + 2, world)
    assert told.new == [first, first + 1, first + 2]
    assert told.expunged == [gone]
    if missing == ALL:
        assert told.flags == [seen]
    assert told.lost <= 1
    assert asyncio.all_tasks() == tasks
    assert open_files() == before
    return cursor_of(events) if task.cancelled() else None


async def _result(steps: CancelledAt) -> Any:
    return await steps
