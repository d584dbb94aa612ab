"""What happens to sessions, as values for logs, metrics and traces. No I/O here.

Nothing secret can be in an event, by the types of its fields: numbers, enums, classes of errors,
and what the account itself says of its servers. No server's words, no error's message, no
certificate; `tests/test_events.py` walks every event there is. A new one derives from `Event`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from securemail.account import Endpoint
from securemail.errors import CertificateError, DiscoveryError, DiscoveryReason, SecureMailError
from securemail.policy.confidentiality import Confidentiality, Level, is_post_quantum
from securemail.proof import CertificateReason, Shortfall, TLSVersion, Trust
from securemail.reconnect import Reason
from securemail.service import Service


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. All of them derive from this."""


class Observer(Protocol):
    """Takes note of events: any function of one argument.

    It is called on the event loop, between two steps of a session, so it must not wait. What it
    raises is logged once for each session, and the session goes on.
    """

    def __call__(self, event: Event, /) -> None:
        """Take note of `event`."""


class Step(Enum):
    """What a session was doing."""

    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    LOGIN = "login"
    USE = "use"


class LoginMethod(Enum):
    """What a login rests on: a SASL mechanism, or what there is beside them."""

    SCRAM_SHA_512_PLUS = "SCRAM-SHA-512-PLUS"
    SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"
    SCRAM_SHA_1_PLUS = "SCRAM-SHA-1-PLUS"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_1 = "SCRAM-SHA-1"
    CRAM_MD5 = "CRAM-MD5"
    APOP = "APOP"
    PLAIN = "PLAIN"
    LOGIN = "LOGIN"
    EXTERNAL = "EXTERNAL"
    OAUTHBEARER = "OAUTHBEARER"
    XOAUTH2 = "XOAUTH2"
    LOGIN_COMMAND = "LOGIN command"
    PREAUTH = "PREAUTH"
    OTHER = "other"

    @classmethod
    def _missing_(cls, _value: object) -> LoginMethod:
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Failure:
    """An error without its words: its class, and its reason where it has one."""

    kind: type[BaseException]
    reason: CertificateReason | DiscoveryReason | None = None

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return what may be told of `error`."""
        if isinstance(error, CertificateError | DiscoveryError):
            return cls(type(error), error.reason)
        return cls(type(error))

    @property
    def is_ours(self) -> bool:
        """Whether it is one of the library's errors; another means cancelled, or a bug."""
        return issubclass(self.kind, SecureMailError)


@dataclass(frozen=True, slots=True)
class Protection:
    """What of a session's `Confidentiality` is for statistics; that has all the rest."""

    level: Level
    shortfalls: frozenset[Shortfall]
    tls_version: TLSVersion | None
    trust: Trust
    is_post_quantum: bool
    is_resumed: bool
    is_client_certificate_sent: bool

    @classmethod
    def of(cls, proved: Confidentiality) -> Protection:
        """Return what may be told of `proved`."""
        return cls(
            level=proved.level,
            shortfalls=proved.shortfalls,
            tls_version=proved.tls_version,
            trust=proved.trust,
            is_post_quantum=is_post_quantum(proved.group),
            is_resumed=proved.resumed,
            is_client_certificate_sent=proved.client_certificate_sent,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose session it is and where it leads. `session` is a random number that tells it apart."""

    session: int
    address: str
    service: Service
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes on the wire, TLS included, since the connection was made; retries begin anew."""

    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class SessionEvent(Event):
    """Something that happened to one session. `duration_s` is how long the step before took."""

    subject: Subject
    duration_s: float
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class ConnectStarted(SessionEvent):
    """A session is being made. One of `ConnectFailed`, `SessionClosed`, `SessionLost` ends it."""


@dataclass(frozen=True, slots=True)
class Dialled(SessionEvent):
    """There is a TCP connection; the name look-up is part of the duration, and so is a proxy.

    `peer` is the other end of the TCP connection: the proxy, where there is one.

    Once more in the same session means that a handshake is tried again with less on offer, or that
    the server cannot do any more what it could when it was seen last.
    """

    peer: IPv4Address | IPv6Address | None
    is_proxied: bool = False


@dataclass(frozen=True, slots=True)
class Secured(SessionEvent):
    """TLS is up; what it proved may still be less than the account asks for."""

    protection: Protection


@dataclass(frozen=True, slots=True)
class Greeted(SessionEvent):
    """The server's greeting was read."""


@dataclass(frozen=True, slots=True)
class Refused(SessionEvent):
    """We refused to go on: the connection is below the account's minimum (RFC 8314 section 5.2)."""

    shortfalls: frozenset[Shortfall]


@dataclass(frozen=True, slots=True)
class LoggedIn(SessionEvent):
    """The session is ready. `is_bound`: both ends proved that they see the same TLS connection."""

    method: LoginMethod
    is_bound: bool
    protection: Protection


@dataclass(frozen=True, slots=True)
class ConnectFailed(SessionEvent):
    """The session did not come about. The duration is that of the step that failed."""

    step: Step
    failure: Failure


class Ending(Enum):
    """How a session ended that nobody had asked to end."""

    CLOSED_BY_SERVER = "closed by the server"
    GIVEN_UP = "given up by the client"
    """A command timed out, was cancelled, or its answer broke the protocol's rules."""
    FAILED = "failed"
    """The line, or TLS."""


@dataclass(frozen=True, slots=True)
class SessionClosed(SessionEvent):
    """The program closed the session. The duration is what passed since the last event."""


@dataclass(frozen=True, slots=True)
class SessionLost(SessionEvent):
    """The session ended unasked. The duration is what passed since the last event."""

    ending: Ending
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Reconnecting(Event):
    """A watch or a pool makes a session in place of one that was lost, or did not come about.

    It does so in `wait_s` seconds; the one before had been up for `up_s`, 0 where it never was or
    nobody knows. The subject's number is the watch's, or the pool's.
    """

    subject: Subject
    reason: Reason
    failure: Failure | None
    wait_s: float
    up_s: float


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """A watch or a pool tries no more: somebody must act."""

    subject: Subject
    reason: Reason
    failure: Failure
