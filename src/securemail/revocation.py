"""What is asked about revocation, and what became known of it (RFC 6960). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Revocation(Enum):
    """What an account wants to know about the revocation of a server's certificate.

    The server is asked for a status that the issuer has signed and the server hands on, an OCSP
    staple (RFC 6066 section 8). Nobody else is asked: that would tell the issuer who reads mail
    where, and whoever sits on the path can have it fail.
    """

    OFF = "off"
    """Nothing is asked for; what a certificate promises about staples does not count either."""
    IF_STAPLED = "if stapled"
    """A staple must say that the certificate is good; without one, the certificate decides: where
    it promises a staple (RFC 7633), it is not accepted."""
    REQUIRED = "required"
    """No connection without a staple that says that the certificate is good."""


class CertStatus(Enum):
    """What is known about the revocation of a certificate (RFC 6960 section 2.2)."""

    NOT_ASKED = "not asked for"
    NOT_STAPLED = "not stapled"
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown to its issuer"
    UNUSABLE = "not usable"
    """Something was stapled that proves nothing: expired, forged, or about something else."""


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """The status of the server's own certificate, and from when until when its issuer stands by it.

    `detail` is a clause for a person, where there is more to say.
    """

    cert_status: CertStatus = CertStatus.NOT_ASKED
    since: datetime | None = None
    until: datetime | None = None
    detail: str = ""

    def __str__(self) -> str:
        if self.cert_status is CertStatus.GOOD and self.until is not None:
            return f"good until {self.until:%Y-%m-%d %H:%M} UTC"
        return self.detail or self.cert_status.value
