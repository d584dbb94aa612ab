"""A server that begins another handshake on a connection in use, or asks for a certificate late."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from securemail import ClientCertificate
from securemail.testing import CertificateAuthority
from securemail.tls.engine import Engine
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23  # RFC 8446 section 5.1


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="module")
def alice(ca: CertificateAuthority) -> ClientCertificate:
    return ClientCertificate.from_pem(ca.client_pem("alice"))


def types(records: bytes) -> Iterator[int]:
    """Yield the type of each TLS record."""
    while records:
        yield records[0]
        records = records[5 + int.from_bytes(records[3:5], "big") :]


class OldServer:
    """A server with TLS 1.2 that can be told to renegotiate; it asks for a certificate then."""

    def __init__(self, ca: CertificateAuthority) -> None:
        pem = ca.issue(HOST).pem
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        key = load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        context.use_privatekey(key)
        context.use_certificate(x509.load_pem_x509_certificate(pem))
        context.check_privatekey()
        self.tls = SSL.Connection(context)
        self.tls.set_accept_state()
        self.certificates: list[object] = []

    def hear(self, records: bytes) -> None:
        self.tls.bio_write(records)

    def advance(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            self.tls.do_handshake()

    def said(self) -> bytes:
        try:
            return self.tls.bio_read(2**16)
        except SSL.WantReadError:
            return b""

    def renegotiate(self) -> bytes:
        """Return a HelloRequest (RFC 5246 section 7.4.1.1)."""
        self.tls.set_verify(SSL.VERIFY_PEER, self._see)
        assert self.tls.renegotiate()
        self.advance()
        return self.said()

    def _see(self, *seen: object) -> bool:
        self.certificates.append(seen[1])
        return True


def connected(ca: CertificateAuthority, alice: ClientCertificate) -> tuple[Engine, OldServer]:
    client, server = engine(ca.pem, certificate=alice), OldServer(ca)
    client.start()
    for _ in range(4):
        if records := client.outgoing():
            server.hear(records)
        server.advance()
        list(client.receive(memoryview(server.said())))
    assert client.is_established
    assert not client.proof().client_certificate_requested
    return client, server


def test_a_server_that_renegotiates_gets_a_no_and_no_client_certificate(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    client, server = connected(ca, alice)
    before = client.proof()
    request = server.renegotiate()
    assert list(types(request)) == [HANDSHAKE]
    assert list(client.receive(memoryview(request))) == []
    answer = client.outgoing()
    # RFC 5246 section 7.2.2: the warning "no renegotiation", and no ClientHello.
    assert list(types(answer)) == [ALERT]
    server.hear(answer)
    server.advance()
    assert server.certificates == []
    assert server.tls.get_peer_certificate() is None
    assert client.proof() == before


def test_without_a_renegotiation_the_connection_goes_on(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    client, server = connected(ca, alice)
    list(client.receive(memoryview(server.renegotiate())))
    client.write(memoryview(b"NOOP\r\n"))
    assert list(types(client.outgoing())) == [ALERT, APPLICATION_DATA]


def test_no_server_can_ask_for_a_certificate_after_the_handshake(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    """RFC 8446 section 4.6.2: only of a client that said it would answer, and ours does not."""
    context = ca.server_context(HOST)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=ca.pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    context.post_handshake_auth = True
    client, server = engine(ca.pem, certificate=alice), MemoryServer(context)
    shake_hands(client, server)
    with pytest.raises(ssl.SSLError, match="EXTENSION_NOT_RECEIVED"):
        server.tls.verify_client_post_handshake()
