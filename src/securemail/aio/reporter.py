"""Tells an observer the story of one session."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.aio.audience import Audience
from securemail.aio.login import LoginRecord
from securemail.aio.transport import SecureTransport
from securemail.errors import PolicyError, SecureMailError
from securemail.events import (
    ConnectFailed,
    ConnectStarted,
    Dialled,
    Ending,
    Event,
    Failure,
    Greeted,
    LoggedIn,
    LoginMethod,
    Observer,
    Protection,
    Refused,
    Secured,
    SessionClosed,
    SessionLost,
    Step,
    Subject,
    Traffic,
)
from securemail.policy.confidentiality import Confidentiality
from securemail.proof import Shortfall


class Reporter:
    """Makes events of what happens to one session; without an observer it makes none.

    Raises: UsageError for an observer that cannot be called, or whose calls want to be awaited.
    """

    __slots__ = (
        "_audience",
        "_is_asked_to_end",
        "_is_over",
        "_is_proxied",
        "_is_stepping",
        "_is_tls_first",
        "_missed_end",
        "_since_s",
        "_step",
        "_subject",
        "_transport",
    )

    def __init__(
        self, observer: Observer | None, account: Account, service: Service, endpoint: Endpoint
    ) -> None:
        self._audience = Audience(observer)
        self._is_tls_first = endpoint.tls is TLSMode.IMPLICIT
        self._is_proxied = account.proxy is not None
        self._subject = Subject(secrets.randbits(32), account.address, service, endpoint)
        self._transport: SecureTransport | None = None
        self._step = Step.CONNECT
        self._since_s = 0.0
        self._is_stepping = False
        self._missed_end: tuple[SecureMailError | None] | None = None
        self._is_over = False
        self._is_asked_to_end = False

    def watch(self, transport: SecureTransport) -> None:
        """Count what goes over `transport` from now on, and tell of its end."""
        if self._transport is not None:
            self._transport.ledger.on_end = None
        self._missed_end = None
        if self._audience.is_there:
            self._transport = transport
            transport.ledger.on_end = self._ended

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Tell how what is done inside fails, if it does."""
        self._begin(step)
        self._is_stepping = True
        try:
            yield
        except BaseException as exc:
            if isinstance(exc, PolicyError):
                self._tell(partial(self._refused, exc.shortfalls))
            if self._transport is not None and self._transport.is_closing():
                self.failed(exc)
            raise
        finally:
            self._is_stepping = False
        if self._missed_end is not None:
            self._ended(*self._missed_end)

    def started(self) -> None:
        """Tell that a session is being made."""
        self._begin(Step.CONNECT)
        self._tell(lambda: ConnectStarted(*self._facts()))

    def dialled(self) -> None:
        """Tell that there is a TCP connection."""
        self._tell(lambda: Dialled(*self._facts(), self._peer(), self._is_proxied))
        self._begin(Step.TLS if self._is_tls_first else Step.GREETING)

    def secured(self, proved: Callable[[], Confidentiality]) -> None:
        """Tell that TLS is up, and what it proved."""
        self._tell(lambda: Secured(*self._facts(), Protection.of(proved())))
        self._begin(Step.GREETING if self._is_tls_first else Step.LOGIN)

    def greeted(self) -> None:
        """Tell that the greeting was read."""
        self._tell(lambda: Greeted(*self._facts()))
        self._begin(Step.LOGIN if self._is_tls_first else Step.TLS)

    def logged_in(self, login: LoginRecord, proved: Callable[[], Confidentiality]) -> None:
        """Tell that the session is ready."""
        self._tell(partial(self._logged_in, login, proved))
        self._begin(Step.USE)

    def failed(self, error: BaseException) -> None:
        """Tell, once, that the session did not come about."""
        step = self._step
        self._missed_end = None  # its error holds the frames of the session
        self._tell_end(lambda: ConnectFailed(*self._facts(), step, Failure.of(error)))

    def asked_to_end(self) -> None:
        """Take note that the program wants the session closed, whoever closes it in the end."""
        self._is_asked_to_end = True

    def _ended(self, error: SecureMailError | None) -> None:
        """Tell of the end of the connection; in the middle of a step that is what fails it."""
        if self._is_stepping:
            self._missed_end = (error,)
            return
        if self._is_asked_to_end:
            self._tell_end(lambda: SessionClosed(*self._facts()))
            return
        failure = None if error is None else Failure.of(error)
        self._tell_end(lambda: SessionLost(*self._facts(), self._ending(error), failure))

    def _ending(self, error: SecureMailError | None) -> Ending:
        if error is not None:
            return Ending.FAILED
        is_ours = self._transport is not None and self._transport.ledger.is_aborted
        return Ending.GIVEN_UP if is_ours else Ending.CLOSED_BY_SERVER

    def _logged_in(self, login: LoginRecord, proved: Callable[[], Confidentiality]) -> LoggedIn:
        method, is_bound = LoginMethod(login.mechanism), login.channel_binding is not None
        return LoggedIn(*self._facts(), method, is_bound, Protection.of(proved()))

    def _refused(self, shortfalls: frozenset[Shortfall]) -> Refused:
        return Refused(*self._facts(), shortfalls)

    def _begin(self, step: Step) -> None:
        self._step = step
        if self._audience.is_there:
            self._since_s = asyncio.get_running_loop().time()

    def _facts(self) -> tuple[Subject, float, Traffic]:
        """Return what every event has."""
        now_s = asyncio.get_running_loop().time()
        traffic = Traffic()
        if self._transport is not None:
            ledger = self._transport.ledger
            traffic = Traffic(ledger.received, ledger.sent)
        return self._subject, now_s - self._since_s, traffic

    def _peer(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        name = self._transport.get_extra_info("peername") if self._transport else None
        return ipaddress.ip_address(name[0].partition("%")[0]) if isinstance(name, tuple) else None

    def _tell_end(self, make: Callable[[], Event]) -> None:
        if not self._is_over:
            self._is_over = True
            self._tell(make)

    def _tell(self, make: Callable[[], Event]) -> None:
        self._audience.tell(make)
