"""What is wrong with a certificate, in a clause for a person. No I/O here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from OpenSSL import SSL

from securemail.proof import CertificateReason
from securemail.tls.facts import key_of, name_in
from securemail.tls.reasons import reason_of
from securemail.tls.verdict import Finding

_Codes = SSL.X509VerificationCodes

# What does not depend on the certificate: about the server's own, and about one above it.
_OWN: Final[Mapping[CertificateReason, str]] = {
    CertificateReason.REVOKED: "is revoked",
    CertificateReason.BAD_SIGNATURE: "does not bear its issuer's signature",
    CertificateReason.PURPOSE: "is not for servers",
    CertificateReason.KEY_USAGE: "has a key that may not be used for TLS",
    CertificateReason.PATH_LENGTH: "has more issuers above it than are allowed",
    CertificateReason.NAME_CONSTRAINTS: "has a name that an issuer above it may not certify",
    CertificateReason.UNKNOWN_EXTENSION: "has a critical extension that nobody here understands",
    CertificateReason.MALFORMED: "is malformed",
}
_ISSUER: Final[Mapping[CertificateReason, str]] = {
    **_OWN,
    CertificateReason.PURPOSE: "may not issue certificates for servers",
    CertificateReason.NO_AUTHORITY: "is no certificate authority",
    CertificateReason.KEY_USAGE: "has a key that may not sign certificates",
    CertificateReason.PATH_LENGTH: "has more issuers below it than are allowed",
}

_UNKNOWN: Final = "does not pass OpenSSL's verification"
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def finding_of(error: int, certificate: x509.Certificate, depth: int, now: dt.datetime) -> Finding:
    """Return what OpenSSL's `error` means for `certificate`, which is `depth` above the server's.

    `now` is for the words only ("3 days ago"): OpenSSL has a clock of its own.
    """
    reason = reason_of(error, certificate, depth)
    clause = _clause(reason, certificate, depth, now)
    if reason is CertificateReason.INVALID:
        clause += f" (error {error})"
    return Finding(reason, certificate, clause, depth)


def out_of_date(certificate: x509.Certificate, depth: int, now: dt.datetime) -> Finding | None:
    """Return what is wrong with the dates of `certificate` at `now`, or None."""
    if now > certificate.not_valid_after_utc:
        return finding_of(_Codes.ERR_CERT_HAS_EXPIRED, certificate, depth, now)
    if now < certificate.not_valid_before_utc:
        return finding_of(_Codes.ERR_CERT_NOT_YET_VALID, certificate, depth, now)
    return None


def _clause(
    reason: CertificateReason, certificate: x509.Certificate, depth: int, now: dt.datetime
) -> str:
    issuer = name_in(certificate, "issuer")
    match reason:
        case CertificateReason.SELF_SIGNED:
            return "the server signed it itself"
        case CertificateReason.INCOMPLETE_CHAIN:
            return f"the server does not send the intermediate certificate of its issuer {issuer}"
        case CertificateReason.UNKNOWN_ISSUER if depth == 0:
            return (
                f"it was issued by {issuer}, and nothing that the account trusts vouches for that"
            )
        case CertificateReason.UNKNOWN_ISSUER:
            return f"it leads to {issuer}, which the account does not trust"
        case _:
            return f"{_subject(certificate, depth)} {_predicate(reason, certificate, depth, now)}"


def _subject(certificate: x509.Certificate, depth: int) -> str:
    if depth == 0:
        return "it"
    name = name_in(certificate, "subject")
    return f"its issuer {name}" if depth == 1 else f"the issuer {name}, {depth} above it,"


def _predicate(
    reason: CertificateReason, certificate: x509.Certificate, depth: int, now: dt.datetime
) -> str:
    match reason:
        case CertificateReason.EXPIRED:
            end = certificate.not_valid_after_utc
            return f"expired {_span(now - end)} ago ({_moment(end)})"
        case CertificateReason.NOT_YET_VALID:
            start = certificate.not_valid_before_utc
            return f"is not valid yet: that begins in {_span(start - now)} ({_moment(start)})"
        case CertificateReason.WEAK_KEY:
            return f"has a key that is too weak ({key_of(certificate)})"
        case CertificateReason.WEAK_SIGNATURE:
            return f"is signed with {_digest_of(certificate)}, which can be forged"
        case _:
            return (_ISSUER if depth else _OWN).get(reason, _UNKNOWN)


def _digest_of(certificate: x509.Certificate) -> str:
    try:
        digest = certificate.signature_hash_algorithm
    except Exception:  # noqa: BLE001 - hostile certificates raise anything
        digest = None
    return digest.name.upper() if digest else "a weak digest"


def _moment(when: dt.datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _span(span: dt.timedelta) -> str:
    """Return a length of time in its largest unit, rounded down."""
    seconds = int(span.total_seconds())
    for unit, size in _UNITS:
        if count := max(0, seconds) // size:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
