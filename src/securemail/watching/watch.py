"""One mailbox, watched for as long as the program wants, whatever happens to the line."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Generic, Self

from typing_extensions import TypeVar

from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.herald import Herald
from securemail.aio.resolver import Resolver
from securemail.aio.route import endpoint_of
from securemail.credentials import OAuthToken
from securemail.errors import SecureMailError, UsageError
from securemail.events import Observer
from securemail.policy.confidentiality import Confidentiality
from securemail.reconnect import Backoff, Setback, Trouble, again, reason
from securemail.session import SecureSession
from securemail.throttle import Throttle
from securemail.watching.cursor import Cursor, MaildropCursor
from securemail.watching.due import Due
from securemail.watching.events import ConfidentialityChanged, Connected, Lost, WatchEvent
from securemail.watching.imap import IMAPSource
from securemail.watching.maildrop import MaildropSource
from securemail.watching.source import EventT, Look, Source

CursorT = TypeVar("CursorT", bound=Cursor | MaildropCursor | Mapping[str, Cursor], default=Any)

_dice: Final = secrets.SystemRandom()

# RFC 2177: servers log out whoever idles for thirty minutes.
_LONGEST_IDLE_S: Final = 29 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When a watch does what, in seconds.

    `idle` is how long the server may be silent before it is asked whether it is there: routers
    forget a connection after five minutes. `poll` is how often a server is asked that cannot push,
    POP3 servers for one. `backoff` is for connecting again.

    Raises: UsageError for what is not a positive number, or an `idle` of more than 29 minutes.
    """

    idle: float = 240.0
    poll: float = 120.0
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        for item in fields(self)[:2]:
            value = getattr(self, item.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not value > 0:
                raise UsageError(
                    f"{value!r} is not a positive number of seconds", field=f"Rhythm.{item.name}"
                )
        if self.idle > _LONGEST_IDLE_S:
            raise UsageError("servers end an IDLE after 29 minutes", field="Rhythm.idle")


@dataclass(frozen=True, slots=True)
class Means:
    """What a watch connects with."""

    timeouts: Timeouts
    resolver: Resolver
    throttle: Throttle | None
    backoff: Backoff
    observer: Observer | None


class Watch(Generic[CursorT, EventT]):
    """Events of one mailbox, made by `watch()`: iterate over it, in one task.

    `watch_all()` makes those of several: pairs of a mailbox's name and its event, and `cursor` has
    the cursor of each by its name. `cursor` is where it has come to. An iteration that is cancelled
    while it waits can be taken up again. Nothing happens while nobody iterates: what comes
    meanwhile waits at the server.
    """

    def __init__(
        self,
        account: Account,
        service: Service,
        source: Source[CursorT, EventT],
        since: CursorT | None,
        means: Means,
    ) -> None:
        self.account: Final = account
        self.service: Final = service
        self.cursor: CursorT | None = since
        self._source = source
        self._means = means
        self._herald = Herald(means.observer)
        self._events: deque[EventT] = deque()
        self._session: SecureSession[Any] | None = None
        self._proved: Confidentiality | None = None
        self._trouble = Trouble()
        self._is_up = False
        self._up_at = 0.0
        self._due: Final = Due()
        self._is_over = False
        self._is_awaited = False

    # --- iteration

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        """Return the next event.

        Raises: SecureMailError where somebody must act (`Remedy.STOP`): the watch is over then.
        """
        if self._is_awaited:
            raise UsageError("another task iterates over it already", field="watch")
        self._is_awaited = True
        try:
            while not self._events:
                if self._is_over:
                    raise StopAsyncIteration
                await self._step()
            return self._events.popleft()
        finally:
            self._is_awaited = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Log out where that takes less than a second, and close the connection."""
        self._is_over = True
        self._events.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    # --- one step

    async def _step(self) -> None:
        try:
            if self._session is None:
                await self._connect()
            elif self.cursor is not None:
                self._saw(await self._source.wait(self.cursor))
        except SecureMailError as error:
            self._failed(error)

    async def _connect(self) -> None:
        await asyncio.sleep(self._due.left_s)
        if self._is_over:
            return
        session = await self._new_session()
        try:
            look = await self._source.open(session, self.cursor)
        except BaseException:
            session.abort()
            raise
        if self._has_ended():
            # Somebody else has closed the watch meanwhile.
            await session.aclose()
            return
        if self._source.stays:
            self._session = session
        else:
            await session.aclose()
            self._due.put_off(self._source.poll_s)
        self._connected(session.confidentiality, look)

    def _has_ended(self) -> bool:
        """Return whether it is over now; mypy would take the attribute for a constant."""
        return self._is_over

    async def _new_session(self) -> SecureSession[Any]:
        means = self._means
        throttle = means.throttle or Throttle.of_loop()
        async with throttle.connecting(endpoint_of(self.account, self.service).host):
            # One that is cancelled is a try, too: the next one must not follow at once.
            self._due.put_off(means.backoff.base)
            return await SecureSession.connect(
                self.account,
                self.service,
                timeouts=means.timeouts,
                resolver=means.resolver,
                observer=means.observer,
            )

    def _connected(self, proved: Confidentiality, look: Look[CursorT, EventT]) -> None:
        before, self._proved = self._proved, proved
        cursor = look.since or self.cursor or look.cursor
        if not self._is_up:
            self._up_at = asyncio.get_running_loop().time()
            self._is_up = True
            is_pushed = self._source.is_pushed
            self._tell(cursor, lambda one: Connected(one, proved, is_pushed=is_pushed))
        if before is not None and _strength(before) != _strength(proved):
            self._tell(cursor, lambda one: ConfidentialityChanged(one, before, proved))
        self._saw(look)

    def _tell(self, cursor: CursorT | None, make: Callable[[Any], WatchEvent]) -> None:
        self._events.extend(self._source.each(cursor, make))

    def _saw(self, look: Look[CursorT, EventT]) -> None:
        self.cursor = look.cursor
        self._events.extend(look.changes)

    def _failed(self, error: SecureMailError) -> None:
        """Forget the session, and say when there will be another one, or that there will be none.

        Raises: `error` where nothing may be tried again.
        """
        now = asyncio.get_running_loop().time()
        session, self._session = self._session, None
        if session is not None:
            session.abort()
        if self._is_over:
            return
        has_token = isinstance(self.account.credentials, OAuthToken)
        setback = Setback(error, now - self._up_at if self._is_up else 0.0, has_token)
        self._is_up = False
        plan = again(self._trouble, setback, backoff=self._means.backoff, chance=_dice.random())
        whose, why = (self.account, self.service), (reason(error, has_token=has_token), error)
        if plan is None:
            self._is_over = True
            self._herald.stopped(whose, why)
            raise error
        self._herald.reconnecting(whose, why, wait_s=plan.wait_s, up_s=setback.up_s)
        self._trouble = plan.trouble
        self._due.put_off(plan.wait_s)
        # Its frames hold the session and what it was doing.
        error = error.with_traceback(None)
        self._tell(self.cursor, lambda one: Lost(one, error, plan.wait_s))


def _strength(proved: Confidentiality) -> tuple[object, ...]:
    """Return what counts: a certificate that was renewed, or a session resumed, is no change."""
    return (proved.level, proved.shortfalls, proved.tls_version, proved.trust, proved.identity)


def watch(
    account: Account,
    mailbox: str = "INBOX",
    *,
    since: Cursor | MaildropCursor | None = None,
    rhythm: Rhythm | None = None,
    timeouts: Timeouts | None = None,
    resolver: Resolver | None = None,
    throttle: Throttle | None = None,
    observer: Observer | None = None,
) -> Watch:
    """Return an iterator over what happens in a mailbox, from `since` on, or from now.

        async with watch(account, since=stored) as events:
            async for event in events:
                match event:
                    case MailboxChanged(cursor, new):
                        ...

    By IMAP where the account has it, by POP3 otherwise. Errors that may mend are told as `Lost`,
    and the watch goes on; the account's policy holds for each session. `throttle` limits the
    connections in the making; where none is given, all of the event loop share one. `observer` is
    told what happens to each session (`securemail.events`).

    Raises: UsageError. The iteration raises an error after which nobody may try again: PolicyError,
    CertificateError, AuthenticationError, a mailbox that does not exist (CommandError), and the
    like (see docs/watching.md).
    """
    rhythm = rhythm or Rhythm()
    timeouts = timeouts or Timeouts()
    means = Means(timeouts, resolver or Resolver.system(), throttle, rhythm.backoff, observer)
    if account.imap is not None:
        if not isinstance(since, Cursor | None):
            raise UsageError("not the cursor of an IMAP mailbox", field="since")
        source = IMAPSource(
            mailbox, idle_s=rhythm.idle, poll_s=rhythm.poll, timeout_s=timeouts.command
        )
        return Watch(account, Service.IMAP, source, since, means)
    endpoint_of(account, Service.POP3)
    if mailbox.upper() != "INBOX":
        raise UsageError("POP3 has an INBOX and nothing else", field="mailbox")
    if not isinstance(since, MaildropCursor | None):
        raise UsageError("not the cursor of a POP3 mailbox", field="since")
    return Watch(account, Service.POP3, MaildropSource(poll_s=rhythm.poll), since, means)
