"""Certificates that are not accepted: the handshake ends before anything of ours has left."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from securemail import (
    CertificateError,
    CertificateReason,
    ClientCertificate,
    Policy,
    TLSVersion,
    Trust,
)
from securemail.testing import CertificateAuthority, ServerCertificate, self_signed
from securemail.tls.handshake import Handshake
from tests.tls.memory import (
    HOST,
    TLS12,
    TLS13,
    VERSIONS,
    MemoryServer,
    certificate_message,
    engine,
    shake_hands,
)
from tests.tls.test_engine import server
from tests.values import no_minimum


@pytest.fixture(scope="module")
def alice(ca: CertificateAuthority) -> ClientCertificate:
    return ClientCertificate.from_pem(ca.client_pem("alice"))


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


BAD = {
    "expired": CertificateReason.EXPIRED,
    "not yet valid": CertificateReason.NOT_YET_VALID,
    "common name only": CertificateReason.NAME_MISMATCH,
    "another name": CertificateReason.NAME_MISMATCH,
    "wildcard too high": CertificateReason.NAME_MISMATCH,
    "self-signed": CertificateReason.SELF_SIGNED,
    "unknown issuer": CertificateReason.UNKNOWN_ISSUER,
}


def bad_certificate(ca: CertificateAuthority, kind: str) -> ServerCertificate:
    match kind:
        case "expired":
            return ca.expired(HOST)
        case "not yet valid":
            return ca.not_yet_valid(HOST)
        case "common name only":
            return ca.common_name_only(HOST)
        case "another name":
            return ca.issue("mail.example.com")
        case "wildcard too high":
            return ca.issue("*.org", "m*.example.org", "*.mail.example.org")
        case "self-signed":
            return self_signed(HOST)
        case _:
            return CertificateAuthority().issue(HOST)


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_certificate_ends_the_handshake_and_no_client_certificate_leaves(
    ca: CertificateAuthority, alice: ClientCertificate, kind: str, version: TLSVersion
) -> None:
    context = bad_certificate(ca, kind).context()
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=ca.pem.decode())
    peer, client = MemoryServer(context), engine(ca.pem, certificate=alice)
    with pytest.raises(CertificateError) as caught:
        shake_hands(client, peer)
    peer.incoming.write(client.outgoing())
    peer.advance()
    assert caught.value.reason is BAD[kind]
    assert caught.value.certificate is not None
    assert not client.is_established
    assert not client.client_certificate_sent
    assert peer.client_certificate is None
    assert peer.error is not None
    assert "ALERT" in str(peer.error).upper()


@pytest.mark.parametrize("kind", BAD)
def test_without_a_minimum_a_bad_certificate_is_noted_but_gets_no_client_certificate(
    ca: CertificateAuthority, alice: ClientCertificate, kind: str
) -> None:
    context = bad_certificate(ca, kind).context()
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=ca.pem.decode())
    peer, client = MemoryServer(context), engine(ca.pem, policy=no_minimum(), certificate=alice)
    shake_hands(client, peer)
    proof = client.proof()
    assert proof.failure is BAD[kind]
    assert proof.trust is Trust.NONE
    assert proof.identity is None
    assert proof.client_certificate_requested
    assert not proof.client_certificate_sent
    assert peer.client_certificate is None


def test_the_error_says_when_the_certificate_expired_and_for_whom_it_is(
    ca: CertificateAuthority,
) -> None:
    with pytest.raises(
        CertificateError, match=r"mail\.example\.org expired 1 day ago \(\d{4}-\d\d-\d\d "
    ):
        shake_hands(engine(ca.pem), MemoryServer(ca.expired(HOST).context()))
    with pytest.raises(CertificateError, match=r"mail\.example\.org is for other\.example"):
        shake_hands(engine(ca.pem), server(ca, "other.example"))


def test_a_handshake_in_which_nobody_judged_the_certificate_is_refused(
    ca: CertificateAuthority,
) -> None:
    client = engine(ca.pem)
    client._connection.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    with pytest.raises(CertificateError, match="nothing vouches"):
        shake_hands(client, MemoryServer(self_signed(HOST).context()))


@pytest.mark.parametrize("garbage", [b"", b"\x30\x00", b"\x30\x03\x02\x01\x01", b"x" * 100])
@pytest.mark.parametrize("policy", [Policy(), no_minimum()], ids=["minimum", "none"])
def test_a_certificate_that_is_none_is_malformed(
    ca: CertificateAuthority, garbage: bytes, policy: Policy
) -> None:
    client = engine(ca.pem, policy=policy)
    client.start()
    with pytest.raises(CertificateError) as caught:
        list(client.receive(memoryview(certificate_message(garbage))))
    assert caught.value.reason is CertificateReason.MALFORMED


def test_trouble_while_judging_a_certificate_is_a_refusal(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a parser that fails")

    client = engine(ca.pem)
    monkeypatch.setattr(Handshake, "see", broken)
    with pytest.raises(CertificateError) as caught:
        shake_hands(client, server(ca))
    assert caught.value.reason is CertificateReason.MALFORMED


def test_a_certificate_with_a_weak_key_is_refused() -> None:
    root, key = weak_chain()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with tempfile.NamedTemporaryFile() as file:
        file.write(key)
        file.flush()
        context.load_cert_chain(file.name)
    with pytest.raises(CertificateError) as caught:
        shake_hands(engine(root), MemoryServer(context))
    assert caught.value.reason is CertificateReason.WEAK_KEY


def weak_chain() -> tuple[bytes, bytes]:
    """Return an authority, and a server's certificate and key of 1,024 bits, as PEM."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)
    now = dt.datetime.now(dt.UTC)

    def certificate(name: str, public: Any, is_ca: bool) -> bytes:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
            .sign(authority, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate("root", authority.public_key(), True), pem + certificate(
        "leaf", key.public_key(), False
    )
