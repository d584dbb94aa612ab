"""What binds a login to a connection: both ends must come to the same value."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from securemail import CertificateReason, TLSError
from securemail.testing import CertificateAuthority
from securemail.tls.binding import end_point
from securemail.tls.engine import Engine
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands
from tests.values import no_minimum

NOW = dt.datetime.now(dt.UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])


class ExporterServer:
    """A server by pyOpenSSL: Python's ssl cannot export keying material."""

    def __init__(self, ca: CertificateAuthority) -> None:
        pem = ca.issue(HOST).pem
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate(x509.load_pem_x509_certificate(pem))
        key = load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        context.use_privatekey(key)
        self.connection = SSL.Connection(context)
        self.connection.set_accept_state()

    def shake_hands(self, client: Engine) -> None:
        client.start()
        for _ in range(4):
            if data := client.outgoing():
                self.connection.bio_write(data)
            with contextlib.suppress(SSL.WantReadError):
                self.connection.do_handshake()
            try:
                answer = self.connection.bio_read(65536)
            except SSL.WantReadError:
                continue
            assert b"".join(client.receive(memoryview(answer))) == b""

    def exported(self) -> bytes:
        return self.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")


def test_on_tls13_both_ends_export_the_same_value() -> None:
    ca = CertificateAuthority()
    client, server = engine(ca.pem), ExporterServer(ca)
    server.shake_hands(client)
    binding = client.channel_binding()
    assert binding is not None
    assert binding.name == "tls-exporter"
    assert binding.data == server.exported()
    assert len(binding.data) == 32


def test_two_connections_to_one_server_have_different_exporters() -> None:
    ca = CertificateAuthority()
    values = set()
    for _ in range(2):
        client, server = engine(ca.pem), ExporterServer(ca)
        server.shake_hands(client)
        values.add(server.exported())
        assert client.channel_binding()
    assert len(values) == 2


def test_on_tls12_it_is_the_hash_of_the_certificate() -> None:
    ca = CertificateAuthority()
    certificate = ca.issue(HOST)
    client = engine(ca.pem)
    context = certificate.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    shake_hands(client, MemoryServer(context))
    binding = client.channel_binding()
    assert binding is not None
    assert (binding.name, binding.data) == (
        "tls-server-end-point",
        hashlib.sha256(certificate.der).digest(),
    )
    assert binding.data == certificate.end_point


def test_there_is_none_before_the_handshake() -> None:
    with pytest.raises(TLSError):
        engine(CertificateAuthority().pem).channel_binding()


def builder() -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + dt.timedelta(days=1))
    )


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_the_hash_is_the_one_of_the_signature(algorithm: hashes.SHA256) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = builder().public_key(key.public_key()).sign(key, algorithm)
    binding = end_point(certificate)
    assert binding is not None
    assert binding.data == certificate.fingerprint(algorithm)


def test_the_hash_of_an_rsa_pss_signature_is_found() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
    certificate = builder().public_key(key.public_key()).sign(key, hashes.SHA384(), rsa_padding=pss)
    binding = end_point(certificate)
    assert binding is not None
    assert binding.data == certificate.fingerprint(hashes.SHA384())


SHA1 = b"""\
-----BEGIN CERTIFICATE-----
MIIBiTCCATCgAwIBAgIUP7PnSAOAlIdLRkR8FQy8zMJSkz8wCQYHKoZIzj0EATAb
MRkwFwYDVQQDDBBzaGExLmV4YW1wbGUub3JnMB4XDTI2MTEyMzIwMTcwMVoXDTM2
MTEyMDIwMTcwMVowGzEZMBcGA1UEAwwQc2hhMS5leGFtcGxlLm9yZzBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABA/ugYRkzKjFI9XHfvO/n6CvvRdh61dQ/Y5JmVNJ
YB37ppE6D+4CG3wTdOrddHmXWBhlajhXlmZiN1hJA5NA5KejUzBRMB0GA1UdDgQW
BBQpAB8h/zAh982TXXo2h7bkreSqwzAfBgNVHSMEGDAWgBQpAB8h/zAh982TXXo2
h7bkreSqwzAPBgNVHRMBAf8EBTADAQH/MAkGByqGSM49BAEDSAAwRQIgX0q63Xc6
rW0hXOF8+JNsbUfrSvlCva4+2hl5BzuXxqMCIQDGxpLUNHd0xRBPRFaeOgQ2dssA
NkiXBAiJjFkEwKYPvA==
-----END CERTIFICATE-----
"""


def test_a_signature_by_sha1_counts_as_sha256() -> None:
    binding = end_point(x509.load_pem_x509_certificate(SHA1))
    assert binding is not None
    assert len(binding.data) == 32


def test_a_signature_without_a_hash_gives_no_binding() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = builder().public_key(key.public_key()).sign(key, None)
    assert end_point(certificate) is None


def unparsable(authority: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key and its certificate, of a version that OpenSSL takes and cryptography not."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(authority.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(authority, hashes.SHA256())
    )
    tbs = bytearray(certificate.tbs_certificate_bytes)
    tbs[tbs.find(bytes.fromhex("a003020102")) + 4] = 7
    signature = b"\0" + authority.sign(bytes(tbs), ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    body = bytes(tbs) + algorithm + b"\x03" + bytes([len(signature)]) + signature
    der = b"\x30\x82" + len(body).to_bytes(2, "big") + body
    key = authority.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + ssl.DER_cert_to_PEM_cert(der).encode()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_cannot_be_parsed_is_noted_and_binds_nothing_on_tls12(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    path = tmp_path / "odd.pem"
    path.write_bytes(unparsable(ec.generate_private_key(ec.SECP256R1())))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(path)
    client = engine(CertificateAuthority().pem, policy=no_minimum())
    shake_hands(client, MemoryServer(context))
    proof = client.proof()
    assert proof.failure is CertificateReason.MALFORMED
    assert proof.chain == ()
    assert (client.channel_binding() is None) == (version is ssl.TLSVersion.TLSv1_2)
