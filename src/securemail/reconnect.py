"""Whether to connect again after an error, and when (RFC 5530, RFC 3206). No I/O here.

Whatever the answer, the account's policy is in force at each later connect as at the first.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from enum import Enum
from typing import Final

from securemail.errors import (
    AuthenticationError,
    CertificateError,
    CommandError,
    ConfirmationRequired,
    ConnectError,
    DeadlineError,
    DiscoveryError,
    DiscoveryReason,
    InjectionError,
    PolicyError,
    ProtocolError,
    SecureMailError,
    SubmissionError,
    TLSError,
    UnknownOutcome,
    UsageError,
)
from securemail.uids import UIDValidityError

# What mends by itself. RFC 5530 for IMAP, RFC 2449 and 3206 for POP3, RFC 5321 for 4xx.
_PASSING: Final = re.compile(
    r"\[(?:UNAVAILABLE|LIMIT|INUSE|IN-USE|SERVERBUG|LOGIN-DELAY|SYS/TEMP|THROTTLED)\b|4\d\d\b",
    re.IGNORECASE,
)
# What somebody must mend: to ask again would lock the account, or say the same for ever.
_LASTING: Final = re.compile(
    r"\[(?:AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED|CONTACTADMIN|NOPERM"
    r"|NONEXISTENT|CANNOT|CLIENTBUG|AUTH|SYS/PERM|WEBALERT)\b|5\d\d\b",
    re.IGNORECASE,
)
# Dovecot 2.3 has no code for it when a mailbox is opened that somebody has deleted.
_NO_MAILBOX: Final = re.compile(r"Mailbox doesn't exist:", re.IGNORECASE)
# Alerts by which a server says that the two cannot agree, or that it does not want us. After an
# "internal error", of a server that is being restarted for one, the next try may work.
_DISAGREEMENTS: Final = frozenset(
    {
        "handshake failure",
        "bad certificate",
        "unsupported certificate",
        "certificate revoked",
        "certificate expired",
        "certificate unknown",
        "unknown certificate authority",
        "access denied",
        "protocol version",
        "insufficient security",
        "unrecognized name",
        "certificate required",
    }
)
# Two to the power of more is past every ceiling, and past a float after a week.
_MOST_DOUBLINGS: Final = 30


class Remedy(Enum):
    """What may help against an error."""

    RETRY = "retry"
    """It may mend by itself."""
    RENEW = "retry after new credentials"
    """The token may have expired: once more with one that is fetched anew, and then no more."""
    STOP = "stop and tell"
    """Somebody must act. To go on would hammer the server, or give an attacker another chance."""


class Reason(Enum):
    """Why another session is made, or none any more."""

    LINE = "the line was lost, or not to be had"
    DEADLINE = "a time limit passed"
    NAME = "a name could not be looked up"
    TLS = "TLS failed"
    SERVER = "the server broke the rules of its protocol, or refused a command"
    THROTTLED = "the server is busy, and says so"
    TOKEN = "a token had expired, or could not be fetched"  # noqa: S105 - a sentence
    LOGIN = "the login was refused"
    CERTIFICATE = "the certificate is not valid"
    POLICY = "the connection is below the account's minimum"
    AGE = "a session was too old"
    GONE = "a server had gone while nobody used its session"
    OTHER = "something else"


def reason(error: SecureMailError, *, has_token: bool) -> Reason:
    """Return what to call `error` in statistics."""
    if isinstance(error, AuthenticationError):
        return _reason_of_login(error, has_token=has_token)
    if isinstance(error.__cause__, DiscoveryError):
        return Reason.NAME
    if isinstance(error, CommandError) and _PASSING.match(error.words):
        return Reason.THROTTLED
    return next((why for kind, why in _REASONS if isinstance(error, kind)), Reason.OTHER)


def _reason_of_login(error: AuthenticationError, *, has_token: bool) -> Reason:
    if isinstance(error.__cause__, ConnectError) and error.__cause__.is_truncated:
        return Reason.LINE
    match _after_login(error, has_token=has_token):
        case Remedy.RENEW:
            return Reason.TOKEN if has_token else Reason.LOGIN
        case Remedy.RETRY:
            return Reason.THROTTLED if error.__cause__ is None else Reason.TOKEN
        case Remedy.STOP:
            return Reason.LOGIN


# The first that fits counts: a VersionError is a PolicyError and a TLSError.
_REASONS: Final[tuple[tuple[type[SecureMailError], Reason], ...]] = (
    (CertificateError, Reason.CERTIFICATE),
    (PolicyError, Reason.POLICY),
    (TLSError, Reason.TLS),
    (DiscoveryError, Reason.NAME),
    (DeadlineError, Reason.DEADLINE),
    (ConnectError, Reason.LINE),
    (ProtocolError, Reason.SERVER),
    (CommandError, Reason.SERVER),
)


def remedy(error: SecureMailError, *, has_token: bool = False) -> Remedy:
    """Return what may help against `error`.

    `has_token` tells whether the account logs in with an `OAuthToken`: only then can the
    credentials be renewed. What is not known to last is tried again.
    """
    match error:
        case AuthenticationError():
            return _after_login(error, has_token=has_token)
        case PolicyError() | CertificateError() | InjectionError() | UsageError():
            return Remedy.STOP
        case ConfirmationRequired() | UnknownOutcome() | UIDValidityError():
            return Remedy.STOP
        case DiscoveryError():
            # Signatures that do not fit are somebody's attempt, or an error that is there to stay.
            is_forged = error.reason is DiscoveryReason.BOGUS
            return Remedy.STOP if is_forged else Remedy.RETRY
        case TLSError():
            return Remedy.STOP if error.alert in _DISAGREEMENTS else Remedy.RETRY
        case CommandError():
            is_lasting = _LASTING.match(error.words) or _NO_MAILBOX.match(error.words)
            return Remedy.STOP if is_lasting else Remedy.RETRY
        case SubmissionError():
            return Remedy.RETRY if error.is_temporary else Remedy.STOP
        case _:
            return Remedy.RETRY


def _after_login(error: AuthenticationError, *, has_token: bool) -> Remedy:
    cause = error.__cause__
    if isinstance(cause, ConnectError):
        # A crash, or a refusal of the client certificate that does not say so.
        return Remedy.RETRY if cause.is_truncated else Remedy.RENEW
    if cause is not None and not isinstance(cause, SecureMailError):
        return Remedy.RETRY  # OAuthToken.fetch raised it: nobody was asked anything
    answers = [attempt.answer for attempt in error.attempts]
    is_refused = any(_LASTING.match(answer) for answer in answers)
    if not is_refused and any(_PASSING.match(answer) for answer in answers):
        return Remedy.RETRY
    return Remedy.RENEW if has_token else Remedy.STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before connecting again, in seconds.

    Up to `base` after the first failure, twice as much after each further one, never more than
    `ceiling`; how much of it is chance ("full jitter"), so that the clients of a server that was
    restarted do not come back all at once. A session that lasted for `stable` begins anew.

    Raises: UsageError for what is not a positive number, and a ceiling below the base.
    """

    base: float = 1.0
    ceiling: float = 300.0
    stable: float = 60.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0 < value < math.inf:
                raise UsageError(
                    f"{value!r} is not a positive number of seconds", field=f"Backoff.{item.name}"
                )
        if self.ceiling < self.base:
            raise UsageError("less than the base", field="Backoff.ceiling")

    def longest(self, failures: int) -> float:
        """Return the most that may be waited after so many failures in a row."""
        doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
        return float(min(self.ceiling, self.base * 2**doublings))


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often it went wrong since a session was last stable, and whether a token was renewed."""

    failures: int = 0
    is_renewed: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Connect again after `wait_s` seconds; `trouble` is for the next time."""

    wait_s: float
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Setback:
    """What went wrong: the error, and for how long the session had been up, in seconds.

    `up_s` is 0 for one that never was.
    """

    error: SecureMailError
    up_s: float
    has_token: bool


def again(trouble: Trouble, setback: Setback, *, backoff: Backoff, chance: float) -> Again | None:
    """Return when to connect again, or None where that must not be.

    `chance` is a random number from 0 up to 1.
    """
    if setback.up_s >= backoff.stable:
        trouble = Trouble()
    what = remedy(setback.error, has_token=setback.has_token)
    if what is Remedy.STOP or (what is Remedy.RENEW and trouble.is_renewed):
        return None
    is_renewed = trouble.is_renewed or what is Remedy.RENEW
    worse = Trouble(trouble.failures + 1, is_renewed)
    return Again(chance * backoff.longest(worse.failures), worse)
