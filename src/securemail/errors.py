"""Every exception that securemail raises, split by who must act. No I/O here.

    SecureMailError
    ├── PolicyError            we refused: the connection is below the account's minimum
    ├── ConnectError           the network; also a ConnectionError
    ├── DeadlineError          the network; also a TimeoutError
    ├── CertificateError       the server's certificate, or its administrator
    ├── TLSError               the server's TLS
    │   └── VersionError       its versions; also a PolicyError
    ├── ProtocolError          the server's IMAP, POP3 or SMTP
    │   ├── InjectionError     an attacker on the path
    │   └── LimitExceeded      a server that says too much
    ├── AuthenticationError    the account's credentials
    ├── SubmissionError        the message, its recipients or the server: it was not accepted
    ├── UnknownOutcome         nobody knows whether the message was accepted
    ├── CommandError           the command: the server refused it, and the session goes on
    ├── DiscoveryError         the provider's DNS
    ├── ConfirmationRequired   the person at the screen
    ├── StoreError             the disk, or whoever else has the file (`securemail.store.errors`)
    └── UsageError             the caller's program; also a ValueError

Messages say what, where and with which numbers. They hold no secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail.outcome import Outcome, RecipientOutcome
from securemail.proof import CertificateReason, Shortfall
from securemail.refusal import Attempt, DiscoveryReason, ResponseCode

__all__ = [
    "Attempt",
    "AuthenticationError",
    "CertificateError",
    "CommandError",
    "ConfidentialityWarning",
    "ConfirmationRequired",
    "ConnectError",
    "DeadlineError",
    "DiscoveryError",
    "DiscoveryReason",
    "InjectionError",
    "LimitExceeded",
    "PolicyError",
    "ProtocolError",
    "ResponseCode",
    "SecureMailError",
    "SubmissionError",
    "TLSError",
    "UnknownOutcome",
    "UsageError",
    "VersionError",
]


class SecureMailError(Exception):
    """The root: everything that crosses the boundary of a session is one of these."""

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own calls the class with the message alone; most of ours ask for more.
        # cryptography's certificates are not pickled: they travel as DER.
        held = vars(self)
        certificates = {
            name: value.public_bytes(Encoding.DER)
            for name, value in held.items()
            if isinstance(value, x509.Certificate)
        }
        rest = {name: value for name, value in held.items() if name not in certificates}
        return (_revived, (type(self), self.args, certificates), rest)


def _revived(
    kind: type[SecureMailError], args: tuple[object, ...], certificates: dict[str, bytes]
) -> SecureMailError:
    error = kind.__new__(kind)
    error.args = args
    for name, der in certificates.items():
        setattr(error, name, x509.load_der_x509_certificate(der))
    return error


class PolicyError(SecureMailError):
    """We refused, because the connection does not meet the account's minimum.

    Nothing but capability discovery and STARTTLS was sent.

    `shortfalls` holds every reason at once (RFC 8314 section 5.2).
    """

    def __init__(self, message: str, *, shortfalls: Iterable[Shortfall]) -> None:
        self.shortfalls = frozenset(shortfalls)
        reasons = "; ".join(sorted(s.value for s in self.shortfalls))
        super().__init__(f"{message}: {reasons}" if reasons else message)


class ConnectError(SecureMailError, ConnectionError):
    """The connection could not be made, or was lost. `phase` says while doing what.

    `is_truncated` is true when it ended without a TLS close alert: a crash, or somebody who cuts
    the line to make half of a message look whole (RFC 8446 section 6.1).
    """

    def __init__(self, message: str, *, phase: str, is_truncated: bool = False) -> None:
        self.phase = phase
        self.is_truncated = is_truncated
        super().__init__(message)


class DeadlineError(SecureMailError, TimeoutError):
    """A time limit passed. `phase` says while doing what, `seconds` which limit."""

    def __init__(self, message: str, *, phase: str, seconds: float) -> None:
        self.phase = phase
        self.seconds = seconds
        super().__init__(message)


class CertificateError(SecureMailError):
    """The server's certificate was not accepted; the handshake ended there.

    `reason` is a `CertificateReason`, `certificate` the one at fault (None when it could not be
    parsed), `pinned` the one that the account has a pin for. None of them leads to a new pin:
    those are made in account setup only (RFC 8314 section 5.4).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: CertificateReason,
        certificate: x509.Certificate | None,
        pinned: x509.Certificate | None = None,
    ) -> None:
        self.reason = reason
        self.certificate = certificate
        self.pinned = pinned
        super().__init__(message)


class TLSError(SecureMailError):
    """The handshake or the TLS session failed for another reason than the certificate.

    `alert` names the alert that the server sent, if it sent one.
    """

    def __init__(self, message: str, *, alert: str | None = None) -> None:
        self.alert = alert
        super().__init__(message)


class VersionError(PolicyError, TLSError):
    """The server has no version of TLS that the account allows; also a PolicyError.

    `shortfalls` is `Shortfall.TLS_VERSION`. Nothing but capability discovery and STARTTLS was sent.
    """

    def __init__(self, message: str, *, alert: str | None = None) -> None:
        super().__init__(message, shortfalls={Shortfall.TLS_VERSION})
        self.alert = alert


class ProtocolError(SecureMailError):
    """The server said something that its protocol does not allow. The connection is closed."""


class InjectionError(ProtocolError):
    """Cleartext followed the reply to STARTTLS: somebody tried to have it read as protected.

    `size` is the number of bytes.
    """

    def __init__(self, message: str, *, size: int) -> None:
        self.size = size
        super().__init__(message)


class LimitExceeded(ProtocolError):  # noqa: N818 - the name is part of the public contract
    """The server went past one of the bounds in `securemail.limits`; `limit` is its value."""

    def __init__(self, message: str, *, limit: int) -> None:
        self.limit = limit
        super().__init__(message)


class AuthenticationError(SecureMailError):
    """No way to log in worked. `attempts` lists what was tried, and the server's words to each."""

    def __init__(self, message: str, *, attempts: Iterable[Attempt] = ()) -> None:
        self.attempts = tuple(attempts)
        tried = "; ".join(map(str, self.attempts))
        super().__init__(f"{message} ({tried})" if tried else message)


class SubmissionError(SecureMailError):
    """A message was refused, for all of its recipients; the session goes on.

    `step` is what the server refused: "MAIL", "RCPT", "DATA", "message" (its reply after the data),
    or "extension", where nothing was sent since the server lacks `missing`. `code`, `enhanced` and
    `words` are the server's reply, `recipients` what it said to each, as far as it was asked.
    """

    outcome: ClassVar[Outcome] = Outcome.REFUSED

    def __init__(
        self,
        message: str,
        *,
        step: str,
        recipients: Iterable[RecipientOutcome] = (),
        code: int | None = None,
        enhanced: str = "",
        words: str = "",
        missing: str = "",
    ) -> None:
        self.step = step
        self.recipients = tuple(recipients)
        self.code = code
        self.enhanced = enhanced
        self.words = words
        self.missing = missing
        super().__init__(message)

    @property
    def is_temporary(self) -> bool:
        """Whether the same may work later: the server said 4xx, to one recipient at least."""
        codes = [self.code, *(each.code for each in self.recipients if not each.is_accepted)]
        return any(code is not None and 400 <= code < 500 for code in codes)


class UnknownOutcome(SecureMailError):  # noqa: N818 - it is no error to anybody's knowledge
    """The end of the data was sent, and no reply came: the message was accepted, or it was not.

    To submit it again may send it twice. `recipients` are those it was meant for; the cause is what
    went wrong. Neither a `SubmissionError` nor a `ConnectError`, so that a program that tries those
    again does not do so here by mistake. The session is closed.
    """

    outcome: ClassVar[Outcome] = Outcome.UNKNOWN

    def __init__(self, message: str, *, recipients: Iterable[str] = ()) -> None:
        self.recipients = tuple(recipients)
        super().__init__(message)


class CommandError(SecureMailError):
    """The server refused one of the client's commands, and the session goes on.

    `command` is its name, `words` what the server said, `code` the reason if it gave one, `mailbox`
    which of several watched mailboxes it was about.
    """

    def __init__(
        self, message: str, *, command: str, words: str, mailbox: str | None = None
    ) -> None:
        self.command = command
        self.words = words
        self.mailbox = mailbox
        self.code = ResponseCode.of(words)
        super().__init__(message)


class DiscoveryError(SecureMailError):
    """The servers of an address could not be found out; `reason` says why."""

    def __init__(self, message: str, *, reason: DiscoveryReason) -> None:
        self.reason = reason
        super().__init__(message)


class ConfirmationRequired(SecureMailError):  # noqa: N818 - the name is part of the public contract
    """A person must accept these `hosts` first (RFC 6186 section 6)."""

    def __init__(self, message: str, *, hosts: Iterable[str]) -> None:
        self.hosts = tuple(hosts)
        super().__init__(message)


class UsageError(SecureMailError, ValueError):
    """The caller's mistake. `field` names the argument or the method at fault."""

    def __init__(self, message: str, *, field: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")


class ConfidentialityWarning(UserWarning):
    """An account was told to do without a minimum: passwords and messages are not private."""
