"""The TLS engine against the standard library's server, in memory."""

from __future__ import annotations

import pytest
from OpenSSL import SSL

from securemail import (
    CertificateError,
    ClientCertificate,
    IdentityKind,
    Policy,
    TLSError,
    TLSVersion,
    Trust,
)
from securemail.testing import CertificateAuthority
from securemail.tls.engine import Engine
from tests.tls.memory import (
    HOST,
    TLS12,
    TLS13,
    VERSIONS,
    MemoryServer,
    engine,
    shake_hands,
)


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
