"""One TCP connection and the dialogue on it, from the dial to the hand-over."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import partial

from securemail.account import Account, Service
from securemail.aio.clock import Clock
from securemail.aio.dial import dial
from securemail.aio.driver import Driver
from securemail.aio.exchange import Line, enable_utf8
from securemail.aio.login import Login, LoginRecord, blaming, preauth
from securemail.aio.offer import offer_of
from securemail.aio.paced import Paced
from securemail.aio.reporter import Reporter
from securemail.aio.route import Route, endpoint_of
from securemail.aio.secure import Prepared, prepare
from securemail.aio.sessions import now
from securemail.errors import PolicyError, ProtocolError, SecureMailError, UsageError
from securemail.policy.confidentiality import confidentiality
from securemail.policy.gate import Gate
from securemail.policy.offer import TLSOffer, tls_offer
from securemail.protocol.dialects import new_dialect
from securemail.protocol.dialogue import (
    Authenticate,
    Command,
    ConfirmAndAuthenticate,
    Discover,
    Event,
    LoggedIn,
    Refused,
    StartTLS,
)
from securemail.protocol.machine import Machine
from securemail.tls.hello import Hello, less


class OutdatedError(ProtocolError):
    """The server cannot do any more what it could when it was seen last, or can do more."""


class Connection:
    """What a session stands on. A handshake that is tried again wants a new one."""

    __slots__ = (
        "_account",
        "_clock",
        "_driver",
        "_heard",
        "_prepared",
        "_reporter",
        "_service",
        "endpoint",
        "gate",
        "is_preauthenticated",
        "machine",
        "transport",
    )

    def __init__(
        self, account: Account, service: Service, clock: Clock, reporter: Reporter
    ) -> None:
        self.endpoint = endpoint_of(account, service)
        if account.client_certificate is not None:
            account.client_certificate.check(now())
        self.gate = Gate(account.policy, must_encrypt=account.pin(service) is not None)
        # A server cannot prepare an answer to a tag that it has to guess.
        token = secrets.token_hex(4).upper()
        dialect = new_dialect(service, token, ehlo_name=account.ehlo_name)
        self.machine = Machine(dialect, self.gate)
        self._account = account
        self._service = service
        self._heard: frozenset[str] | None = None
        self._clock = clock
        self._driver = Driver(self.machine)
        self.transport = self._driver.transport
        self._reporter = reporter
        reporter.watch(self.transport)
        self.is_preauthenticated = False
        self._prepared: Prepared | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it was not dialled yet."""
        return not self.transport.is_connected and not self.transport.is_closing()

    def abort(self) -> None:
        """Close the socket at once, and hold no error: one that was raised holds the session."""
        self.transport.abort()
        self._driver.forget_error()

    @property
    def tls_offer(self) -> TLSOffer | None:
        """TLS that an account without a minimum could ask for from now on."""
        # After the login nobody offers STARTTLS any more: what was heard before it counts.
        heard = self._heard or self.machine.capabilities or frozenset()
        proved = confidentiality(self._account.policy, self.gate.proof)
        return tls_offer(self._account, self._service, confidentiality=proved, capabilities=heard)

    def less(self, hello: Hello, failure: BaseException) -> Hello | None:
        """Return what to offer on another connection, or None where that cannot help."""
        if self._prepared is None or not isinstance(failure, SecureMailError):
            return None
        engine = self._prepared.engine
        is_resuming = engine.is_resuming and not self.machine.is_heard
        return less(
            hello,
            failure,
            is_silent=not engine.has_heard,
            is_resuming=is_resuming,
            is_unwelcome=engine.is_certificate_unwelcome,
        )

    async def dial(self, addresses: Iterable[str]) -> None:
        """Connect to the first of `addresses` that answers.

        Raises: ConnectError, DeadlineError.
        """
        async with self._clock.limit("connect", f"connecting to {self.endpoint}"):
            proxy = self._account.proxy
            await dial(self.endpoint, Paced(self.transport), addresses, proxy=proxy)
        self._reporter.dialled()

    async def prepare(self, route: Route, hello: Hello) -> Prepared:
        """Return what `start_tls` takes, for the server that `route` leads to.

        Raises: DeadlineError.
        """
        async with self._clock.limit("tls", "preparing TLS"):
            return await prepare(self._account, self._service, route, hello)

    def start_tls(self, prepared: Prepared) -> None:
        """Hand every further byte to the engine."""
        self._prepared = prepared
        self.transport.start_tls(prepared.engine)

    async def secured(self) -> None:
        """Return when TLS is up and the gate has its proof.

        Raises: CertificateError, TLSError, ConnectError, DeadlineError.
        """
        async with self._clock.limit("tls", f"the TLS handshake with {self.endpoint}"):
            await self._driver.secured()
        if self._prepared is not None:
            self.gate.proof = proof = self._prepared.engine.proof()
            self._reporter.secured(partial(confidentiality, self._account.policy, proof))

    async def greeting(self) -> None:
        """Read what the server says first; it may skip the login (PREAUTH).

        Raises: ConnectError, DeadlineError, ProtocolError; TLSError and AuthenticationError when
        it ends the session because of the client certificate.
        """
        doing = f"waiting for the greeting of {self.endpoint}"
        async with self._clock.limit("greeting", doing):
            with blaming(self.gate.proof, self.machine):
                event = await self._driver.next_event(doing)
        self.is_preauthenticated = isinstance(event, LoggedIn)
        self._reporter.greeted()

    async def ask(self, command: Command) -> Event:
        """Send `command`, if the gate lets it pass, and return what the server says to it.

        Raises: PolicyError before anything is sent; otherwise as `greeting`.
        """
        doing = f"{type(command).__name__} with {self.endpoint}"
        async with self._clock.limit("command", doing):
            with blaming(self.gate.proof, self.machine):
                event = await self._driver.ask(command, doing)
                if isinstance(command, ConfirmAndAuthenticate):
                    self._confirm()
                    event = await self._driver.next_event(doing)
                return event

    def _confirm(self) -> None:
        """Go on only if the server says of itself what was assumed of it.

        Raises: OutdatedError; the connection is closed then, whatever became of the login.
        """
        if self.machine.assumed != self.machine.capabilities:
            self.transport.abort()
            raise OutdatedError("the server lists other capabilities than it did")

    async def _ask_for_login(self, command: Command) -> Event:
        """Ask as `ask` does; where the capabilities are assumed, have the server list them first.

        Raises: as `ask`, and OutdatedError when the assumption was wrong.
        """
        if self.machine.capabilities is not None:
            return await self.ask(command)
        try:
            if isinstance(command, Authenticate):
                return await self.ask(ConfirmAndAuthenticate(command))
            await self._confirm_first()
        except SecureMailError:
            # It may be two commands at once that it cannot take: else each connect would fail.
            if self._prepared is not None:
                self._prepared.known.bar()
            raise
        return await self.ask(command)

    async def _confirm_first(self) -> None:
        """Have the server list what was assumed of it before anything rests on that.

        Raises: as `discover`, and OutdatedError.
        """
        await self.discover()
        self._confirm()

    def _assume(self) -> bool:
        """Assume what the server could do when it was seen last; return whether that is enough."""
        proof, prepared = self.gate.proof, self._prepared
        if self.machine.capabilities is not None or proof is None or prepared is None:
            return False
        if (capabilities := prepared.known.recall(proof)) is not None:
            self.machine.assume(capabilities)
        return self.machine.may_confirm

    async def discover(self) -> None:
        """Learn the server's capabilities, unless they are known in this phase.

        Raises: as `greeting`.
        """
        if not self.is_preauthenticated and self.machine.capabilities is None:
            answer = await self.ask(Discover())
            if isinstance(answer, Refused):
                self.transport.abort()
                raise ProtocolError(f"the server refused to list what it can: {answer.words!r}")

    async def may_start_tls(self) -> bool:
        """Ask the server whether TLS may begin now.

        Raises: PolicyError when it refuses and the account has a minimum; otherwise as `greeting`.
        """
        answer = await self.ask(StartTLS())
        if isinstance(answer, Refused) and (missing := self.gate.shortfalls):
            self.transport.abort()
            raise PolicyError(f"STARTTLS was refused ({answer.words!r})", shortfalls=missing)
        return not isinstance(answer, Refused)

    async def log_in(self, *, utf8: bool = False, may_assume: bool = True) -> LoginRecord:
        """Try all ways that the account has among those that the server offers.

        With `utf8` the server is told before to speak UTF-8 (RFC 6856). If it `may_assume`, what
        the server could do when it was seen last is taken for granted until it says otherwise.

        Raises: as `Login.run`, `enable_utf8` and `preauth`; UsageError for an account that has
        nothing to log in with; OutdatedError when another connection should be made, on which
        nothing will be assumed.
        """
        if self.is_preauthenticated:
            return preauth(self._account.policy, self.gate.proof)
        if self._account.credentials is None and self._account.client_certificate is None:
            raise UsageError("there is nothing to log in with", field="Account.credentials")
        if utf8 or not may_assume or not self._assume():
            await self.discover()
        if utf8:
            await enable_utf8(self.machine, self.ask)
        limit = partial(self._clock.limit, "command")
        line = Line(self._ask_for_login, limit, self.machine.carries_initial_response)
        binding = self._prepared.engine.channel_binding() if self._prepared is not None else None
        offer = offer_of(self.machine, self.endpoint, self.gate.proof, binding)
        self._heard = self.machine.capabilities or self.machine.assumed
        login = Login(self._account, offer, line)
        if self.machine.capabilities is None and not login.has_way:
            await self._confirm_first()
        record = await login.run()
        if self._heard and self.gate.proof is not None and self._prepared is not None:
            self._prepared.known.remember(self.gate.proof, self._heard)
        return record
