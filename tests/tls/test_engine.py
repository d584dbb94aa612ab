"""The TLS engine against the standard library's server, in memory."""

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
    ConnectError,
    IdentityKind,
    Policy,
    TLSError,
    TLSVersion,
    Trust,
)
from securemail.testing import CertificateAuthority, ServerCertificate, self_signed
from securemail.tls.engine import Engine
from securemail.tls.handshake import Handshake
from tests.tls.memory import (
    HOST,
    TLS12,
    TLS13,
    VERSIONS,
    MemoryServer,
    certificate_message,
    engine,
    send_to_client,
    shake_hands,
)
from tests.values import no_minimum


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="module")
def alice(ca: CertificateAuthority) -> ClientCertificate:
    return ClientCertificate.from_pem(ca.client_pem("alice"))


def server(ca: CertificateAuthority, *names: str, asks: bool = False) -> MemoryServer:
    return MemoryServer(ca.server_context(*(names or (HOST,)), request_client_certificate=asks))


def limited(ca: CertificateAuthority, version: TLSVersion, *, asks: bool = False) -> MemoryServer:
    context = ca.server_context(HOST, request_client_certificate=asks)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    return MemoryServer(context)


def connected(ca: CertificateAuthority) -> tuple[Engine, MemoryServer]:
    client, peer = engine(ca.pem), server(ca)
    shake_hands(client, peer)
    assert client.is_established
    return client, peer


# --- the proof


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_the_proof_tells_the_facts_of_the_handshake(
    ca: CertificateAuthority, version: TLSVersion
) -> None:
    client, peer = engine(ca.pem), limited(ca, version)
    shake_hands(client, peer)
    proof = client.proof()
    assert proof.tls_version is version
    cipher = peer.tls.cipher()
    assert cipher is not None
    assert proof.cipher == cipher[0]
    assert proof.group
    assert proof.trust is Trust.PKIX
    assert proof.identity is not None
    assert (proof.identity.kind, proof.identity.name) == (IdentityKind.DNS_ID, HOST)
    assert len(proof.chain) == 2
    assert not proof.client_certificate_requested
    assert not proof.client_certificate_sent
    assert proof.failure is None


def test_there_is_no_proof_before_the_handshake_is_over(ca: CertificateAuthority) -> None:
    with pytest.raises(TLSError):
        engine(ca.pem).proof()


def test_an_ip_address_matches_only_as_an_ip_address(ca: CertificateAuthority) -> None:
    client = engine(ca.pem, host="127.0.0.1")
    shake_hands(client, server(ca, "127.0.0.1"))
    identity = client.proof().identity
    assert identity is not None
    assert identity.kind is IdentityKind.IP_ID
    with pytest.raises(CertificateError):
        shake_hands(engine(ca.pem, host="127.0.0.1"), server(ca, "127.0.0.2"))


@pytest.mark.parametrize("name", ["*.example.org", "MAIL.example.org"])
def test_a_name_matches_without_case_and_a_wildcard_as_its_first_label(
    ca: CertificateAuthority, name: str
) -> None:
    client = engine(ca.pem)
    shake_hands(client, server(ca, name))
    assert client.is_established


# --- certificates that are not accepted

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


# --- client certificates


def test_the_host_name_is_in_the_client_hello(ca: CertificateAuthority) -> None:
    client = engine(ca.pem)
    client.start()
    assert HOST.encode() in client.outgoing()


def test_a_renegotiation_is_refused(ca: CertificateAuthority) -> None:
    assert engine(ca.pem)._connection.set_options(0) & SSL.OP_NO_RENEGOTIATION


def test_compression_is_not_offered(ca: CertificateAuthority) -> None:
    assert engine(ca.pem)._connection.set_options(0) & SSL.OP_NO_COMPRESSION


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_client_certificate_leaves_when_the_server_asks(
    ca: CertificateAuthority, alice: ClientCertificate, version: TLSVersion
) -> None:
    peer, client = limited(ca, version, asks=True), engine(ca.pem, certificate=alice)
    shake_hands(client, peer)
    assert peer.client_certificate is not None
    assert client.proof().client_certificate_requested
    assert client.proof().client_certificate_sent


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_client_certificate_stays_when_the_server_does_not_ask(
    ca: CertificateAuthority, alice: ClientCertificate, version: TLSVersion
) -> None:
    peer, client = limited(ca, version), engine(ca.pem, certificate=alice)
    shake_hands(client, peer)
    assert client.is_established
    assert not client.proof().client_certificate_requested
    assert not client.proof().client_certificate_sent


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_an_account_without_a_certificate_shows_none_though_asked(
    ca: CertificateAuthority, version: TLSVersion
) -> None:
    peer, client = limited(ca, version, asks=True), engine(ca.pem)
    shake_hands(client, peer)
    assert client.proof().client_certificate_requested
    assert not client.proof().client_certificate_sent
    assert peer.client_certificate is None


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_policy_can_keep_the_client_certificate_out_of_tls12(
    ca: CertificateAuthority, alice: ClientCertificate, version: TLSVersion
) -> None:
    policy = Policy(require_tls13_for_client_certificate=True)
    peer = limited(ca, version, asks=True)
    client = engine(ca.pem, certificate=alice, policy=policy)
    shake_hands(client, peer)
    assert (peer.client_certificate is not None) == (version is TLS13)
    assert client.proof().client_certificate_withheld == (version is TLS12)


def test_one_accounts_certificate_is_not_in_the_context_of_another(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    shared = engine(ca.pem, certificate=alice)
    other = Engine(shared._connection.get_context(), engine(ca.pem)._handshake)
    shake_hands(shared, server(ca, asks=True))
    peer = server(ca, asks=True)
    shake_hands(other, peer)
    assert peer.client_certificate is None


# --- versions and suites


def test_nothing_below_tls12_is_spoken(ca: CertificateAuthority) -> None:
    client = engine(ca.pem)
    client.start()
    hello = client.outgoing()
    assert b"\x03\x01" not in _supported_versions(hello)
    assert b"\x03\x02" not in _supported_versions(hello)


def _supported_versions(hello: bytes) -> bytes:
    """Return the list in the supported_versions extension (43) of a ClientHello."""
    start = hello.index(b"\x00\x2b\x00\x05\x04")
    return hello[start + 5 : start + 9]


def test_a_policy_can_ask_for_tls13(ca: CertificateAuthority) -> None:
    client = engine(ca.pem, policy=Policy(minimum_tls=TLS13))
    with pytest.raises(TLSError, match="protocol version"):
        shake_hands(client, limited(ca, TLS12))


def test_only_suites_with_forward_secrecy_and_aead_are_offered(ca: CertificateAuthority) -> None:
    offered = engine(ca.pem)._connection.get_cipher_list()
    assert offered
    assert all(
        name.startswith(("TLS_AES", "TLS_CHACHA20", "ECDHE-")) and ("GCM" in name or "POLY" in name)
        for name in offered
    )


# --- the stream


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
