"""The stream inside TLS, and the ways in which it ends."""

from __future__ import annotations

import ssl

import pytest

from securemail import (
    ConnectError,
    TLSError,
)
from securemail.testing import CertificateAuthority
from securemail.tls.engine import Engine
from tests.tls.memory import (
    HOST,
    MemoryServer,
    engine,
    send_to_client,
    shake_hands,
)
from tests.tls.test_engine import server


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


def connected(ca: CertificateAuthority) -> tuple[Engine, MemoryServer]:
    client, peer = engine(ca.pem), server(ca)
    shake_hands(client, peer)
    assert client.is_established
    return client, peer


def test_bytes_go_both_ways(ca: CertificateAuthority) -> None:
    client, peer = connected(ca)
    client.write(memoryview(b"hello" * 10_000))
    peer.incoming.write(client.outgoing())
    received = b""
    while len(received) < 50_000:
        received += peer.tls.read(65536)
    assert received == b"hello" * 10_000
    peer.tls.write(b"and back" * 10_000)
    assert send_to_client(client, peer) == b"and back" * 10_000


def test_ciphertext_may_come_one_byte_at_a_time(ca: CertificateAuthority) -> None:
    client, peer = connected(ca)
    peer.tls.write(b"hello")
    data = peer.outgoing.read()
    parts = [b"".join(client.receive(memoryview(data[i : i + 1]))) for i in range(len(data))]
    assert b"".join(parts) == b"hello"


def test_a_close_alert_is_sent_when_closing(ca: CertificateAuthority) -> None:
    client, peer = connected(ca)
    client.close()
    peer.incoming.write(client.outgoing())
    assert peer.tls.read(1) == b""


def test_an_end_after_a_close_alert_is_an_end(ca: CertificateAuthority) -> None:
    client, peer = connected(ca)
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    assert send_to_client(client, peer) == b""
    assert client.is_closed_by_peer
    client.end_of_input()


def test_an_end_without_a_close_alert_is_a_truncation(ca: CertificateAuthority) -> None:
    client, _ = connected(ca)
    with pytest.raises(ConnectError, match="without a close alert") as caught:
        client.end_of_input()
    assert caught.value.is_truncated


def test_an_end_during_the_handshake_is_an_error(ca: CertificateAuthority) -> None:
    client = engine(ca.pem)
    client.start()
    with pytest.raises(ConnectError, match="during the handshake"):
        client.end_of_input()


@pytest.mark.parametrize(
    "data", [b"* OK IMAP here\r\n", b"220 mx ESMTP\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\0" * 64]
)
def test_a_server_that_does_not_speak_tls_is_told_apart(
    ca: CertificateAuthority, data: bytes
) -> None:
    client = engine(ca.pem)
    client.start()
    with pytest.raises(TLSError):
        list(client.receive(memoryview(data)))
    assert not client.is_established


def test_a_garbled_record_ends_the_session(ca: CertificateAuthority) -> None:
    client, peer = connected(ca)
    peer.tls.write(b"hello")
    data = bytearray(peer.outgoing.read())
    data[-1] ^= 1
    with pytest.raises(TLSError):
        list(client.receive(memoryview(data)))


def test_an_alert_of_the_server_is_named(ca: CertificateAuthority) -> None:
    context = ca.server_context(HOST, request_client_certificate=True)
    context.verify_mode = ssl.CERT_REQUIRED
    client, peer = engine(ca.pem), MemoryServer(context)
    with pytest.raises(TLSError, match="certificate required") as caught:
        shake_hands(client, peer)
    assert caught.value.alert == "certificate required"
