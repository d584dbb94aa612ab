"""Sessions that are kept and handed out again, for as long as a program runs."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.errors import ConnectError, DeadlineError, SecureMailError, UsageError
from securemail.events import Observer
from securemail.intent import Phase
from securemail.pool.connector import Connector, Key
from securemail.pool.health import answers, is_reusable
from securemail.pool.ledger import Kept, Ledger, Place
from securemail.pool.values import PoolLimits, PoolStatistics
from securemail.reconnect import Backoff, Reason
from securemail.session import SecureSession
from securemail.throttle import Throttle

_Session = SecureSession[Any]
_Ticket = asyncio.Future[Place[_Session]]

_log: Final = logging.getLogger("securemail.pool")

# However short the times are: upkeep must not become the program's main business.
_SHORTEST_PAUSE_S: Final = 0.005


class SessionPool:
    """Sessions by account and service, used as `async with SessionPool() as pool`.

        async with pool.session(account, Service.IMAP) as session:
            await session.client.select("INBOX")

    Who comes first is served first. A session goes back only when the block ends without an
    exception and nothing is under way on it; it is closed otherwise. What the next user finds is
    what the last one left: select a mailbox before you do anything. POP3 sessions are not kept,
    since each sees the mailbox as it was at its login; the limits hold for them, too.

    A connect that failed is not tried again before its back-off, one that nobody may try again
    (`Remedy.STOP`) not before `forget(account)`: whoever asks meanwhile gets the error at once.
    """

    def __init__(
        self,
        limits: PoolLimits | None = None,
        *,
        timeouts: Timeouts | None = None,
        resolver: Resolver | None = None,
        throttle: Throttle | None = None,
        backoff: Backoff | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._limits = limits or PoolLimits()
        self._connector = Connector(
            timeouts, resolver, throttle, backoff or Backoff(), observer=observer
        )
        self._ledger: Ledger[Key, _Session, _Ticket] = Ledger(self._limits)
        self._made_at: dict[_Session, float] = {}
        self._warm: set[Key] = set()
        self._counts: Counter[str] = Counter()
        self._upkeep: asyncio.Task[None] | None = None
        self._is_closed = False

    # --- for whoever uses it

    @asynccontextmanager
    async def session(self, account: Account, service: Service) -> AsyncIterator[_Session]:
        """Hold a session that is ready inside the block.

        Raises: as `connect_imap`; DeadlineError when none was free in time; UsageError for a pool
        that is not open.
        """
        key = Key(account, service)
        session = await self._lease(key)
        try:
            yield session
        except BaseException:
            # Nobody knows what was under way.
            await self._close(key, session, is_poisoned=True)
            raise
        if is_reusable(session) and not self._is_closed:
            self._keep(key, session)
        else:
            await self._close(key, session, is_poisoned=False)

    def forget(self, account: Account) -> None:
        """Forget what went wrong with an account, and keep no session of it warm any more."""
        for service in Service:
            self._connector.forget(Key(account, service))
            self._warm.discard(Key(account, service))

    @property
    def statistics(self) -> PoolStatistics:
        """What there is and what was."""
        idle = self._ledger.idle
        return PoolStatistics(
            idle=idle,
            leased=self._ledger.places - idle,
            waiting=self._ledger.waiting,
            connected=self._counts["connected"],
            failed_connects=self._counts["failed_connects"],
            reused=self._counts["reused"],
            failed_checks=self._counts["failed_checks"],
            evicted=self._counts["evicted"],
            poisoned=self._counts["poisoned"],
        )

    async def __aenter__(self) -> Self:
        if self._upkeep is not None or self._is_closed:
            raise UsageError("a pool is opened once", field="SessionPool")
        self._upkeep = asyncio.create_task(self._keep_up(), name="securemail pool")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every session, in order where that takes no longer than a second.

        Sessions that are still in use are closed, too: their users get an error. When it is
        cancelled, all sockets are closed at once.
        """
        self._is_closed = True
        # Nothing comes back: who still uses a session has one that is closed, and a task of upkeep
        # that is cancelled before its first step gives no place back.
        waiting, self._ledger = self._ledger.tickets, Ledger(self._limits)
        for ticket in waiting:
            if not ticket.done():
                ticket.set_exception(ConnectError("the pool was closed", phase="pool"))
        try:
            if self._upkeep is not None:
                self._upkeep.cancel()
                await asyncio.wait({self._upkeep})
            await asyncio.gather(*(session.aclose() for session in tuple(self._made_at)))
        finally:
            # Nobody comes back to a pool that was left by a cancelled `async with`.
            for session in self._made_at:
                session.abort()
            self._made_at.clear()

    # --- leasing

    async def _lease(self, key: Key) -> _Session:
        place = await self._place(key)
        session, flaw = place.kept.session if place.kept else None, None
        try:
            if place.evicted is not None:
                self._counts["evicted"] += 1
                await self._end(place.evicted)
            if place.kept is not None and (flaw := await self._flaw(place.kept)) is not None:
                self._counts["failed_checks"] += 1
                await self._end(place.kept.session)
                session = None
            if session is not None:
                self._counts["reused"] += 1
                return session
            return await self._connect(key, instead=flaw)
        except BaseException:
            if session is not None:
                self._made_at.pop(session, None)
                session.abort()
            self._drop(key)
            raise

    async def _place(self, key: Key) -> Place[_Session]:
        """Wait for a place."""
        if self._upkeep is None or self._is_closed:
            raise UsageError("open it by `async with`", field="SessionPool")
        ticket: _Ticket = asyncio.get_running_loop().create_future()
        self._ledger.wait(key, key.host, ticket)
        self._serve(key.host)
        try:
            async with asyncio.timeout(self._limits.wait) as timer:
                return await ticket
        except BaseException as exc:
            # It may have come in the very moment in which we gave up.
            if ticket.done() and not ticket.cancelled() and ticket.exception() is None:
                self._give_back(key, ticket.result())
            else:
                self._ledger.leave(key, ticket)
            if isinstance(exc, TimeoutError) and timer.expired():
                seconds = self._limits.wait
                raise DeadlineError(
                    f"no session of {key.host} was free for {seconds:g} s",
                    phase="pool",
                    seconds=seconds,
                ) from exc
            raise

    def _give_back(self, key: Key, place: Place[_Session]) -> None:
        if place.evicted is not None:
            self._made_at.pop(place.evicted, None)
            place.evicted.abort()
        if place.kept is not None and not self._is_closed:
            self._ledger.put(key, place.kept)
            self._serve(key.host)
        else:
            self._drop(key)

    def _serve(self, host: str) -> None:
        for ticket, place in self._ledger.served(host, asyncio.Future.done):
            ticket.set_result(place)

    async def _flaw(self, kept: Kept[_Session]) -> Reason | None:
        """Return why a session must not be handed out, None where it may."""
        now = asyncio.get_running_loop().time()
        if now - kept.made_at >= self._limits.maximum_age:
            return Reason.AGE
        is_recent = now - kept.idle_since < self._limits.check_after
        if is_reusable(kept.session) and (is_recent or await answers(kept.session)):
            return None
        return Reason.GONE

    async def _connect(self, key: Key, *, instead: Reason | None = None) -> _Session:
        try:
            session = await self._connector.connect(key, self._check_open, instead=instead)
        except SecureMailError:
            self._counts["failed_connects"] += 1
            raise
        self._counts["connected"] += 1
        self._made_at[session] = asyncio.get_running_loop().time()
        if self._limits.minimum and key.service is not Service.POP3:
            self._warm.add(key)
        if self._is_closed:
            await self._end(session)
        self._check_open()
        return session

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectError("the pool was closed", phase="pool")

    # --- giving back

    def _keep(self, key: Key, session: _Session) -> None:
        now = asyncio.get_running_loop().time()
        self._ledger.put(key, Kept(session, self._made_at[session], now))
        self._serve(key.host)

    async def _close(self, key: Key, session: _Session, *, is_poisoned: bool) -> None:
        self._counts["poisoned"] += is_poisoned
        try:
            await self._end(session)
        finally:
            self._drop(key)

    async def _end(self, session: _Session) -> None:
        self._made_at.pop(session, None)
        await session.aclose()

    def _drop(self, key: Key) -> None:
        if not self._is_closed:
            self._ledger.drop(key)
            self._serve(key.host)

    # --- upkeep

    async def _keep_up(self) -> None:
        """Close what is too old and connect what is missing, for as long as the pool is open."""
        limits = self._limits
        pause_s = min(limits.idle, limits.maximum_age, max(limits.check_after, 1.0)) / 2
        while True:
            await asyncio.sleep(max(pause_s, _SHORTEST_PAUSE_S))
            now = asyncio.get_running_loop().time()
            old = self._ledger.too_old(now, lambda session: not is_reusable(session))
            gone = {key for key, session in old if session.phase is Phase.CLOSED}
            await _each(self._close(key, session, is_poisoned=False) for key, session in old)
            missing = [key for key in self._warm if self._ledger.reserve(key, key.host)]
            await _each(self._warm_up(key, has_lost=key in gone) for key in missing)

    async def _warm_up(self, key: Key, *, has_lost: bool) -> None:
        try:
            session = await self._connect(key, instead=Reason.GONE if has_lost else None)
        except BaseException as exc:
            self._drop(key)
            if not isinstance(exc, SecureMailError):
                raise
        else:
            self._keep(key, session)


async def _each(jobs: Iterable[Awaitable[None]]) -> None:
    """Do what upkeep has to do for each, whatever becomes of the others.

    What is none of the library's errors is a bug, ours or of what the program gave us. Nobody waits
    for upkeep who could be told, and for one account's sake it must not end for all: it is logged.
    """
    for result in await asyncio.gather(*jobs, return_exceptions=True):
        if isinstance(result, Exception):
            _log.error("upkeep of a pool failed, and goes on", exc_info=result)
