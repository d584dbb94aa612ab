"""The story of a connection, top to bottom (RFC 8314 section 5).

open → greeting → (discover) → STARTTLS → authenticate → the client library has it → close.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, Self

from typing_extensions import TypeVar

from securemail.account import Account, Service, TLSMode
from securemail.aio.clock import USUAL, Clock, Timeouts
from securemail.aio.connection import Connection, OutdatedError
from securemail.aio.reporter import Reporter
from securemail.aio.resolver import Resolver
from securemail.aio.route import Route, endpoint_of, route_of
from securemail.errors import Attempt, UsageError
from securemail.events import Observer, Step
from securemail.intent import Intent, Phase
from securemail.policy.confidentiality import Confidentiality, confidentiality, phase
from securemail.policy.offer import TLSOffer
from securemail.protocol.dialects import DISCOVER_BEFORE_UPGRADE
from securemail.tls.hello import FULL
from securemail.transports.handover import Handover, Held, hand_over, see_off

ClientT = TypeVar("ClientT", default=Any)


class SecureSession(Generic[ClientT]):
    """One connection to one server of an account: at first, all but discovery and STARTTLS is shut.

    `connect()` returns a session that is ready; `open()` is the same step by step: `open`,
    `discover`, `starttls`, `authenticate`, `client`, `aclose`. One that failed is closed.

    After login `authenticated_by` names the mechanism, `login_attempts` what was tried before, and
    `channel_binding` how both ends have proved that they see one TLS connection (RFC 5802), if so.
    """

    def __init__(
        self,
        account: Account,
        service: Service,
        timeouts: Timeouts | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.account, self.service = account, service
        self.authenticated_by: str | None = None
        self.channel_binding: str | None = None
        self.login_attempts: tuple[Attempt, ...] = ()
        self._timeouts = timeouts or USUAL
        self._clock = Clock(self._timeouts)
        self._route, self._hello = Route(()), FULL
        self.endpoint = endpoint_of(account, service)
        self._reporter = Reporter(observer, account, service, self.endpoint)
        self._begin()

    def _begin(self) -> None:
        """Take a connection that nothing was said on."""
        self._connection = Connection(self.account, self.service, self._clock, self._reporter)
        self._gate, self._machine = self._connection.gate, self._connection.machine
        self._transport = self._connection.transport
        self._held: Held | None = None

    # --- open

    @classmethod
    async def connect(
        cls,
        account: Account,
        service: Service,
        *,
        timeouts: Timeouts | None = None,
        resolver: Resolver | None = None,
        observer: Observer | None = None,
        utf8: bool = False,
    ) -> Self:
        """Return a session that is ready: connected, protected as the account asks, logged in.

        `observer` is told what happens (`securemail.events`).

        Raises: every SecureMailError but ConfirmationRequired; the connection is closed then, and
        nothing that the account's minimum forbids was sent.
        """
        session = cls(account, service, timeouts, observer)
        async with session._closed_on_error():
            await session._open(resolver)
            if session.endpoint.tls is TLSMode.STARTTLS:
                await session.starttls()
            await session.authenticate(utf8=utf8)
        return session

    @classmethod
    async def open(
        cls,
        account: Account,
        service: Service,
        *,
        timeouts: Timeouts | None = None,
        resolver: Resolver | None = None,
        observer: Observer | None = None,
    ) -> Self:
        """Return a session whose greeting was read; nothing was sent but, if implicit, TLS.

        Call `starttls()` or `authenticate()` next, and `aclose()` in the end.

        Raises: ConnectError, DeadlineError, CertificateError, TLSError, ProtocolError, UsageError;
        AuthenticationError when the server hangs up on the client certificate; PolicyError when it
        greets with PREAUTH below the minimum.
        """
        session = cls(account, service, timeouts, observer)
        async with session._closed_on_error():
            await session._open(resolver)
        return session

    @asynccontextmanager
    async def _closed_on_error(self) -> AsyncIterator[None]:
        self._clock.start()
        self._reporter.started()
        try:
            yield
        except BaseException as exc:
            self._connection.abort()
            self._reporter.failed(exc)
            raise
        self._clock.stop()

    async def _open(self, resolver: Resolver | None) -> None:
        with self._reporter.step(Step.CONNECT):
            async with self._clock.limit("connect", f"looking up {self.endpoint}"):
                self._route = await route_of(self.account, self.endpoint, resolver)
            await self._retrying(self._reach)

    async def _reach(self) -> None:
        """Dial, begin TLS where it is implicit, and read the greeting."""
        if self.endpoint.tls is TLSMode.IMPLICIT:
            self._connection.start_tls(await self._connection.prepare(self._route, self._hello))
        await self._connection.dial(self._route.addresses)
        if self.endpoint.tls is TLSMode.IMPLICIT:
            await self._connection.secured()
        await self._connection.greeting()

    # --- TLS

    async def _retrying(self, handshake: Callable[[], Awaitable[None]]) -> None:
        """Do what has a handshake in it; once more, with less on offer, where that may help."""
        while True:
            try:
                return await handshake()
            except BaseException as exc:
                if (hello := self._connection.less(self._hello, exc)) is None:
                    self._transport.abort()  # be it before a word was said
                    raise
            self._hello = hello
            self._start_over()

    def _start_over(self) -> None:
        self._transport.abort()
        self._begin()

    async def starttls(self) -> None:
        """Upgrade to TLS; the server is asked whether or not it offers it.

        An offer can be stripped by anyone on the path; a refusal ends the session, unless the
        account has no minimum: then it stays in cleartext, and `phase` says so.

        Raises: PolicyError when the server refuses; InjectionError when anything follows its reply;
        CertificateError, TLSError, ConnectError, DeadlineError, ProtocolError.
        """
        if self.endpoint.tls is not TLSMode.STARTTLS or self.phase is not Phase.CLEARTEXT:
            raise UsageError(f"not for a session that is {self.phase.value}", field="starttls")
        with self._reporter.step(Step.TLS):
            await self._retrying(self._upgrade)

    async def _upgrade(self) -> None:
        if self._connection.is_fresh:
            await self._reach()
        prepared = await self._connection.prepare(self._route, self._hello)
        if self.service in DISCOVER_BEFORE_UPGRADE:
            await self.discover()
        if not await self._connection.may_start_tls():
            return
        # From the server's reply to here nothing was awaited: no cleartext can slip in between.
        self._connection.start_tls(prepared)
        await self._connection.secured()

    # --- capabilities

    async def discover(self) -> frozenset[str]:
        """Return the server's capabilities in the phase we are in; it is asked once in each.

        Before TLS they are hearsay, and forgotten after it (RFC 9051 section 11.1).

        Raises: ConnectError, DeadlineError, ProtocolError.
        """
        if self._held is None:
            await self._connection.discover()
        return self.capabilities

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server said it can do, in the phase we are in; empty before it said anything."""
        known = self._machine.capabilities if self._held is None else self._held.capabilities
        return known or frozenset()

    # --- login

    async def authenticate(self, *, utf8: bool = False) -> None:
        """Log in: the account's own credentials first, then SASL EXTERNAL (RFC 8314 section 5.5).

        `client` may be used afterwards, and `authenticated_by` names what worked. With `utf8` a
        POP3 server that offers UTF-8 mode is asked for it first; `client.is_utf8` has its answer.

        Raises: PolicyError with all shortfalls while the account's minimum is not met, before
        anything is sent; AuthenticationError with all that was tried; UsageError for an account
        that has nothing to log in with; ConnectError, DeadlineError, TLSError, ProtocolError.
        """
        if self.authenticated_by is not None:
            raise UsageError("the session is logged in already", field="authenticate")
        if utf8 and self.service is not Service.POP3:
            raise UsageError("POP3 alone has it before the login", field="utf8")
        with self._reporter.step(Step.LOGIN):
            self._gate(Intent.AUTHENTICATE)
            try:
                await self._log_in(utf8=utf8)
            except BaseException:
                # Whoever comes next must not take up a login that is half done.
                self._transport.abort()
                raise

    async def _log_in(self, *, utf8: bool) -> None:
        try:
            login = await self._connection.log_in(utf8=utf8)
        except OutdatedError:
            self._start_over()
            is_upgraded = self.endpoint.tls is TLSMode.STARTTLS
            await self._retrying(self._upgrade if is_upgraded else self._reach)
            login = await self._connection.log_in(utf8=utf8, may_assume=False)
        self.authenticated_by = login.mechanism
        self.channel_binding, self.login_attempts = login.channel_binding, login.attempts
        handover = Handover.of(self._connection, self.account, login, self._timeouts.command)
        async with self._clock.limit("command", f"handing over {self.endpoint}"):
            self._held = await hand_over(self.service, handover)
        self._reporter.logged_in(login, lambda: self.confidentiality)

    @property
    def client(self) -> ClientT:
        """The client, connected and logged in.

        An `aioimaplib.IMAP4`, a `POP3Client`, or an `aiosmtplib.SMTP` with `submit()`.

        Raises: PolicyError below the minimum, UsageError before `authenticate()`.
        """
        self._gate(Intent.USE)
        if self._held is None:
            raise UsageError("call authenticate() first", field="client")
        client: ClientT = self._held.client
        return client

    # --- what it is

    @property
    def confidentiality(self) -> Confidentiality:
        """What the connection proved, and what is missing from the account's minimum."""
        return confidentiality(self.account.policy, self._gate.proof)

    @property
    def tls_offer(self) -> TLSOffer | None:
        """TLS that an account without a minimum could have always; see `with_offers()`."""
        return self._connection.tls_offer

    @property
    def phase(self) -> Phase:
        """How far the session has come."""
        if not self._transport.is_connected:
            return Phase.CLOSED
        if self._held is not None:
            return Phase.AUTHENTICATED
        return phase(self.account.policy, self._gate.proof)

    # --- close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Log out where that takes less than a second, send the close alert, close the socket."""
        self._reporter.asked_to_end()
        await see_off(self._connection, self._held)

    def abort(self) -> None:
        """Close the socket at once. What was not sent is dropped."""
        self._reporter.asked_to_end()
        self._connection.abort()
