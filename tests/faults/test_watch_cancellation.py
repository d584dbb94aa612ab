"""Cancelled at each await of a watch: it is taken up again, repeats nothing and misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from securemail import Service
from securemail.reconnect import Backoff
from securemail.testing import FaultProxy, MailServer
from securemail.testing.store import Mailbox
from securemail.throttle import Throttle
from securemail.uids import UIDSet
from securemail.watching import (
    Cursor,
    Lost,
    MailboxChanged,
    MaildropChanged,
    MaildropCursor,
    Rhythm,
    Watch,
    watch,
)
from tests.faults.clock import JumpingLoop, run
from tests.faults.scenes import LIMITS, SCENES, USERS, Scene
from tests.faults.stepping import CancelledAt, When
from tests.faults.sweep import about_octets, open_files
from tests.servers.test_watch_on_dovecot import LesserSource
from tests.watching.worlds import turns_until

Act = Callable[[Mailbox], object]

WHEN = pytest.mark.parametrize("when", When, ids=lambda when: when.name)
# A poll is waited for: the loop's clock does not jump so little.
SOON: Final = Rhythm(poll=0.001, backoff=Backoff(base=0.001, ceiling=0.001))
# Nothing here takes a second of anybody's; the clock jumps to the end of what nobody ends.
LONGEST_S: Final = 300


def _deliver(mailbox: Mailbox) -> object:
    return mailbox.add(b"Subject: news\r\n\r\nNews.\r\n")


def _expunge_the_first(mailbox: Mailbox) -> None:
    mailbox.expunge([1])


def _do_nothing(mailbox: Mailbox) -> None:
    """Let nothing more happen."""


# What happens when the first change was announced, the second, and so on.
HAPPENINGS: Final[dict[Service, tuple[Act, ...]]] = {
    Service.IMAP: (_deliver, _expunge_the_first, _deliver),
    Service.POP3: (_deliver, _deliver),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A mailbox to be watched; `has_idle` tells whether the server seems to push."""

    scene: Scene
    has_idle: bool = True

    def __str__(self) -> str:
        return f"{self.scene}{'' if self.has_idle else '-polled'}"

    def watch(self, proxy: FaultProxy, mailbox: Mailbox) -> Watch:
        """Watch from a cursor that knows the first of two messages."""
        _deliver(mailbox)
        since: Cursor | MaildropCursor
        if self.scene.service is Service.IMAP:
            since = Cursor(mailbox.uidvalidity, 2, uids=UIDSet.of([1]))
        else:
            since = MaildropCursor.of([f"{mailbox.uidvalidity}.1"])
        _deliver(mailbox)
        account = self.scene.account(proxy.endpoint, USERS[0])
        throttle = Throttle(per_host=1, in_all=1)
        events = watch(account, since=since, rhythm=SOON, timeouts=LIMITS, throttle=throttle)
        if not self.has_idle:
            lesser = LesserSource("INBOX", idle_s=SOON.idle, poll_s=SOON.poll, timeout_s=10)
            lesser.missing = frozenset({"IDLE"})
            events._source = lesser
        return events


_WATCHED: Final = [
    kind
    for scene in SCENES
    if scene.login == "PLAIN" and scene.service is not Service.SUBMISSION
    for kind in (Kind(scene), Kind(scene, has_idle=False))
    if kind.has_idle or scene.service is Service.IMAP
]
# The first has the most places; the others are left to the long run.
KINDS = [_WATCHED[0], *(pytest.param(k, id=str(k), marks=pytest.mark.full) for k in _WATCHED[1:])]


@dataclass(slots=True)
class Life:
    """A watch and its mailbox, to which something happens whenever something was announced."""

    events: Watch
    mailbox: Mailbox
    happenings: tuple[Act, ...]
    new: list[object] = field(default_factory=list)
    expunged: list[int] = field(default_factory=list)
    lost: int = 0
    happened: int = 0

    async def go_on(self) -> None:
        """Iterate until all that happens was announced."""
        while len(self.new) + len(self.expunged) <= len(self.happenings):
            match await anext(self.events):
                case MailboxChanged(_, new, expunged):
                    self.new += new
                    self.expunged += expunged
                case MaildropChanged(_, new):
                    self.new += new
                case Lost():
                    self.lost += 1
            self._happen()

    def _happen(self) -> None:
        if self.happened < min(len(self.new) + len(self.expunged), len(self.happenings)):
            self.happenings[self.happened](self.mailbox)
            self.happened += 1


Work = Callable[[Life], Coroutine[Any, Any, Any]]
Check = Callable[[Life, MailServer], Coroutine[Any, Any, None]]


def _cancel_at_each(kind: Kind, work: Work, check: Check, when: When) -> int:
    """Return how often the work has waited: it was cancelled at each of these places."""

    async def all_places() -> int:
        number = 1
        while await _was_cancelled(kind, work, check, (number, when)):
            number += 1
        return number - 1

    return run(all_places(), loop=JumpingLoop)


async def _was_cancelled(kind: Kind, work: Work, check: Check, place: tuple[int, When]) -> bool:
    before, scene = open_files(), kind.scene
    async with asyncio.timeout(LONGEST_S), scene.server() as server:
        mailbox = server.store.mailbox(USERS[0])
        async with FaultProxy(server.endpoint(scene.tls, scene.service)) as proxy:
            life = Life(kind.watch(proxy, mailbox), mailbox, HAPPENINGS[scene.service])
            steps = CancelledAt(work(life), *place)
            task = asyncio.ensure_future(_result(steps))
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
                assert steps.waits < place[0], f"lost the cancellation {place}"
            await check(life, server)
            await proxy.wait_quiet()
            for relayed in proxy.connections:
                assert list(about_octets(relayed, scene.service)) == []
        await server.wait_quiet()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert open_files() == before
    return task.cancelled()


async def _result(steps: CancelledAt) -> Any:
    return await steps


async def _is_complete(life: Life, server: MailServer) -> None:
    await life.go_on()
    # Whoever repeats something would do so before this one.
    _deliver(life.mailbox)
    life.happenings += (_do_nothing,)
    await life.go_on()
    # It costs one session at most, and never another.
    assert life.lost <= 1
    assert server.sessions <= 1
    await life.events.aclose()
    numbers = [int(str(each).rpartition(".")[2]) for each in life.new]
    assert numbers == list(range(2, life.mailbox.uidnext))
    assert life.expunged == [1] * (_expunge_the_first in life.happenings)


@WHEN
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_watch_can_be_cancelled_at_each_await_and_taken_up_again(kind: Kind, when: When) -> None:
    assert _cancel_at_each(kind, Life.go_on, _is_complete, when) >= 8


@WHEN
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_closing_a_watch_can_be_cancelled_at_each_await(kind: Kind, when: When) -> None:
    async def work(life: Life) -> None:
        await anext(life.events)
        await life.events.aclose()

    async def check(life: Life, server: MailServer) -> None:
        is_over = life.events._is_over
        if not is_over:
            await life.events.aclose()
        # The socket is closed already, whoever was cancelled.
        await turns_until(lambda: not server.sessions)
        assert life.events._session is None

    assert _cancel_at_each(kind, work, check, when) >= 4
