"""The verdict on a certificate, without a handshake."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from securemail import CertificateReason
from securemail.tls.handshake import Handshake
from securemail.tls.reasons import REASONS
from securemail.tls.verdict import Rules

CODES = SSL.X509VerificationCodes


def certificate(text: str, *names: str) -> x509.Certificate:
    """Return a certificate that says `text` wherever a certificate can say something."""
    key = ec.generate_private_key(ec.SECP256R1())
    attribute = x509.NameAttribute(NameOID.ORGANIZATION_NAME, text, _validate=False)
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([attribute]))
        .issuer_name(x509.Name([attribute]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
        .sign(key, hashes.SHA256())
    )


def handshake() -> Handshake:
    rules = Rules(host="mail.example.org", is_address=False, must_validate=True)
    return Handshake(rules, dt.datetime.now(dt.UTC))


@pytest.mark.parametrize("code", [0, *REASONS, 9999])
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("text", ["\x1b[2Jgone\nFAKE LOG LINE", "A" * 60_000])
def test_a_certificates_text_cannot_steer_a_terminal_or_flood_a_message(
    code: int, depth: int, text: str
) -> None:
    judged = handshake()
    judged.see(certificate(text, text), code, depth)
    if code == 0 and depth:
        assert judged.failure is None
        return
    assert str(judged.failure).isprintable()
    assert len(str(judged.failure)) < 2000


def test_the_first_reason_stays() -> None:
    judged = handshake()
    judged.see(certificate("x", "other.example"), CODES.ERR_CERT_HAS_EXPIRED, 0)
    assert judged.failure is not None
    assert judged.failure.reason is CertificateReason.EXPIRED


def test_an_issuer_alone_authenticates_nobody() -> None:
    judged = handshake()
    judged.see(certificate("x", "mail.example.org"), 0, 1)
    assert not judged.is_authenticated
    judged.see(certificate("x", "mail.example.org"), 0, 0)
    assert judged.is_authenticated


def test_an_error_that_is_not_known_is_a_refusal_all_the_same() -> None:
    judged = handshake()
    judged.see(certificate("x", "mail.example.org"), 9999, 0)
    assert judged.failure is not None
    assert judged.failure.reason is CertificateReason.INVALID
