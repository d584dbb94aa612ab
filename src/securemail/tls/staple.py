"""What an OCSP staple says of a certificate, if anything (RFC 6960, RFC 6066 section 8).

The signature, the signer's right to sign, the certificate that is meant and the times are all
checked here; whether the answer is enough is decided in `revocation`. No I/O here.
"""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from securemail import limits
from securemail.revocation import CertStatus, RevocationStatus
from securemail.tls.dane import is_strong
from securemail.wire.text import printable

_SKEW: Final = dt.timedelta(seconds=limits.CLOCK_SKEW_S)
# Those of OpenSSL's security level 2. SHA-1 in a certID is no signature, and fine (RFC 5019).
_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


_NOT_STAPLED: Final = RevocationStatus(CertStatus.NOT_STAPLED)


class _UnusableError(Exception):
    """Why a staple proves nothing, as a clause for a person."""


def read_staple(
    staple: bytes, certificate: x509.Certificate, issuer: x509.Certificate | None, now: dt.datetime
) -> RevocationStatus:
    """Return what `staple` proves about `certificate` at the time `now`; nothing is raised.

    `issuer` is the certificate above it in the verified chain, None where there is none.
    """
    if not staple:
        return _NOT_STAPLED
    try:
        return _read(staple, certificate, issuer, now)
    except _UnusableError as exc:
        detail = f"the server has stapled {exc}"
    except Exception as exc:  # noqa: BLE001 - hostile DER raises anything: it proves nothing
        why = printable(str(exc) or type(exc).__name__)
        detail = f"the server has stapled a status that cannot be read: {why}"
    return RevocationStatus(CertStatus.UNUSABLE, detail=detail)


def _read(
    staple: bytes, certificate: x509.Certificate, issuer: x509.Certificate | None, now: dt.datetime
) -> RevocationStatus:
    if len(staple) > limits.STAPLE_BYTES:
        raise _UnusableError(f"{len(staple)} bytes, of which {limits.STAPLE_BYTES} are read")
    if issuer is None:
        raise _UnusableError("a status, and nobody knows the issuer who should have signed it")
    response = ocsp.load_der_ocsp_response(staple)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        words = response.response_status.name.lower().replace("_", " ")
        raise _UnusableError(f"an error of the responder and no status ({words})")
    signer = _signer(response, issuer)
    if signer is not issuer:
        _check_delegate(signer, issuer, now)
    _check_signature(response, signer)
    _check_extensions(response.extensions)
    found = (each for each in response.responses if _is_about(each, certificate, issuer))
    single = next(found, None)
    if single is None:
        raise _UnusableError("the status of another certificate")
    return _status(single, now)


def _signer(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    """Return the certificate that the response names as its signer's (RFC 6960 section 4.2.2.3)."""
    shown = islice(response.certificates, limits.STAPLE_CERTIFICATES)
    signer = next((each for each in (issuer, *shown) if _is_named(each, response)), None)
    if signer is None:
        raise _UnusableError("a status signed by nobody knows whom")
    return signer


def _is_named(certificate: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    if response.responder_name is not None:
        return certificate.subject == response.responder_name
    # The RFC names a key by SHA-1 of its bits, as RFC 5280 does.
    identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return identifier.digest == response.responder_key_hash


def _check_signature(response: ocsp.OCSPResponse, signer: x509.Certificate) -> None:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    signature, signed = response.signature, response.tbs_response_bytes
    try:
        match key:
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() if algorithm is None:
                key.verify(signature, signed)
            case rsa.RSAPublicKey() if isinstance(algorithm, _HASHES):
                key.verify(signature, signed, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey() if isinstance(algorithm, _HASHES):
                key.verify(signature, signed, ec.ECDSA(algorithm))
            case _:
                raise _UnusableError("a status that is signed in a way which proves nothing")
    except InvalidSignature:
        raise _UnusableError("a status with a forged signature") from None


def _check_delegate(delegate: x509.Certificate, issuer: x509.Certificate, now: dt.datetime) -> None:
    """Check that `issuer` itself lets `delegate` speak for it (RFC 6960 section 4.2.2.2).

    Whether the delegate's own certificate was revoked cannot be known without asking somebody: they
    are short-lived, and those of public authorities say that nobody is to be asked.
    """
    try:
        delegate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        raise _UnusableError("a status signed by somebody whom the issuer does not know") from None
    _check_extensions(delegate.extensions)
    if not _may_sign(delegate.extensions):
        raise _UnusableError("a status signed by a certificate that is not one for that")
    is_sound = delegate.signature_hash_algorithm is None or isinstance(
        delegate.signature_hash_algorithm, _HASHES
    )
    if not (is_sound and is_strong(delegate)):
        raise _UnusableError("a status signed with a weak key")
    if is_over(delegate.not_valid_after_utc, now) or now + _SKEW < delegate.not_valid_before_utc:
        raise _UnusableError("a status signed by a certificate that is out of date")


def _may_sign(extensions: x509.Extensions) -> bool:
    found = {each.oid: each.value for each in extensions}
    purposes = found.get(x509.ExtendedKeyUsage.oid)
    usage = found.get(x509.KeyUsage.oid)
    is_for_ocsp = (
        isinstance(purposes, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.OCSP_SIGNING in purposes
    )
    return is_for_ocsp and (not isinstance(usage, x509.KeyUsage) or usage.digital_signature)


def _check_extensions(extensions: x509.Extensions) -> None:
    """Refuse what must be understood and is not (RFC 5280 section 4.2, RFC 6960 section 4.4)."""
    for each in extensions:
        if each.critical and isinstance(each.value, x509.UnrecognizedExtension):
            raise _UnusableError(
                f"a status with a condition that we do not know ({each.oid.dotted_string})"
            )


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    """Return whether `single` answers the question that one would ask (RFC 6960 section 4.1.1)."""
    if single.serial_number != certificate.serial_number:
        return False
    question = (
        ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, single.hash_algorithm)
    ).build()
    return (question.issuer_name_hash, question.issuer_key_hash) == (
        single.issuer_name_hash,
        single.issuer_key_hash,
    )


def _status(single: ocsp.OCSPSingleResponse, now: dt.datetime) -> RevocationStatus:
    since, until = single.this_update_utc, single.next_update_utc
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        # Whatever the dates: who revokes a certificate does not take it back.
        return RevocationStatus(CertStatus.REVOKED, since, until, _revoked(single))
    if since > now + _SKEW:
        raise _UnusableError(f"a status that begins on {since:%Y-%m-%d %H:%M} UTC only")
    if until is None:
        raise _UnusableError("a status without an end, which could be replayed for ever")
    if is_over(until, now):
        raise _UnusableError(f"a status that ended on {until:%Y-%m-%d %H:%M} UTC")
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return RevocationStatus(CertStatus.GOOD, since, until)
    return RevocationStatus(CertStatus.UNKNOWN, since, until, "it is unknown to its issuer")


def is_over(until: dt.datetime, now: dt.datetime) -> bool:
    """Return whether a status that is good `until` then is so no more, whichever clock is off."""
    return now - _SKEW > until


def _revoked(single: ocsp.OCSPSingleResponse) -> str:
    when, why = single.revocation_time_utc, single.revocation_reason
    told = f"it was revoked by its issuer on {when:%Y-%m-%d %H:%M} UTC"
    return f"{told} ({why.name.replace('_', ' ')})" if why else told
