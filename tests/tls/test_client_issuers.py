"""A client certificate goes only where its issuers are welcome (RFC 8446, RFC 5246)."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL

from securemail import ClientCertificate, TLSError
from securemail.testing import CertificateAuthority
from securemail.tls.engine import Engine
from tests.naming import naming
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, make
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda version: version.name)
CA = CertificateAuthority()
SERVER = CA.issue(HOST)


def _chain(middle: str = "middle", root: str = "root") -> Chain:
    client = replace(LEAF, subject="alice", names=None, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    return make(client, replace(MIDDLE, subject=middle), replace(ROOT, subject=root))


MINE = _chain()
OWN, MIDDLE_ONE, ROOT_ONE = MINE.certificates
ALICE = ClientCertificate(OWN, MINE.key, (MIDDLE_ONE,))
STRANGERS = _chain("a stranger", "another stranger").certificates[1:]


def shake(
    version: ssl.TLSVersion,
    *issuers: x509.Certificate,
    certificate: ClientCertificate = ALICE,
) -> tuple[Engine, MemoryServer]:
    peer = MemoryServer(naming(SERVER, issuers, version))
    client = engine(CA.pem, certificate=certificate)
    shake_hands(client, peer)
    return client, peer


@VERSION
@pytest.mark.parametrize(
    "issuers",
    [(), (MIDDLE_ONE,), (ROOT_ONE,), (*STRANGERS, ROOT_ONE)],
    ids=["any", "its own", "the one above", "among others"],
)
def test_a_certificate_goes_to_a_server_that_takes_one_of_its_issuers(
    version: ssl.TLSVersion, issuers: tuple[x509.Certificate, ...]
) -> None:
    client, peer = shake(version, *issuers)
    assert peer.client_certificate is not None
    assert client.proof().client_certificate_sent
    assert client.proof().client_certificate_problem is None


def test_on_tls13_a_certificate_that_is_not_welcome_stays_and_the_proof_says_so() -> None:
    client, peer = shake(TLS13, *STRANGERS)
    proof = client.proof()
    assert peer.client_certificate is None
    assert peer.is_established
    assert proof.client_certificate_requested
    assert not proof.client_certificate_sent
    assert "issuer" in (proof.client_certificate_problem or "")


def test_on_tls12_a_certificate_that_is_not_welcome_stays_and_the_handshake_ends() -> None:
    peer = MemoryServer(naming(SERVER, STRANGERS, TLS12))
    client = engine(CA.pem, certificate=ALICE)
    with pytest.raises(TLSError):
        shake_hands(client, peer)
    assert client.is_certificate_unwelcome
    assert not client.client_certificate_sent
    assert client.outgoing() == b""


def give(client: Engine, data: bytes, step: int, left: list[bytes]) -> None:
    """Give `data` to the client in pieces; what it says to each goes to `left`."""
    for place in range(0, len(data), step):
        list(client.receive(memoryview(data[place : place + step])))
        left.append(client.outgoing())


@pytest.mark.parametrize("trailing", [b"", b"garbage", b"\x15\x03\x03\0\x02\x02\x28"])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_on_tls12_nothing_behind_the_request_makes_the_certificate_leave(
    step: int, trailing: bytes
) -> None:
    peer = MemoryServer(naming(SERVER, STRANGERS, TLS12))
    client = engine(CA.pem, certificate=ALICE)
    client.start()
    peer.incoming.write(client.outgoing())
    peer.advance()
    left: list[bytes] = []
    with pytest.raises(TLSError, match="stays here"):
        give(client, peer.outgoing.read() + trailing, step, left)
    assert b"".join(left) + client.outgoing() == b""


@VERSION
def test_the_list_of_issuers_is_not_read_again_for_each_octet_behind_it(
    version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = 0
    read = SSL.Connection.get_client_ca_list

    def counted(connection: SSL.Connection, **how: Any) -> Any:
        nonlocal readings
        readings += 1
        return read(connection, **how)

    monkeypatch.setattr(SSL.Connection, "get_client_ca_list", counted)
    peer = MemoryServer(naming(SERVER, (ROOT_ONE,), version))
    client = engine(CA.pem, certificate=ALICE)
    client.start()
    peer.incoming.write(client.outgoing())
    peer.advance()
    give(client, peer.outgoing.read(), 1, [])
    assert readings <= 2  # at the certificate of the server, and at its request


@VERSION
def test_without_the_intermediate_nobody_knows_that_the_authority_above_it_would_do(
    version: ssl.TLSVersion,
) -> None:
    alone = ClientCertificate(OWN, MINE.key)
    if version is TLS12:
        with pytest.raises(TLSError):
            shake(version, ROOT_ONE, certificate=alone)
        return
    client, _ = shake(version, ROOT_ONE, certificate=alone)
    assert client.proof().client_certificate_problem


@VERSION
def test_names_of_issuers_are_compared_without_case_and_surplus_spaces(
    version: ssl.TLSVersion,
) -> None:
    mine, written = _chain("The  Authority"), _chain("the authority ")
    alice = ClientCertificate(mine.certificates[0], mine.key)
    client, _ = shake(version, written.certificates[1], certificate=alice)
    assert client.proof().client_certificate_sent


@VERSION
def test_what_the_account_trusts_is_not_sent_behind_its_certificate(
    version: ssl.TLSVersion,
) -> None:
    mine = ClientCertificate.from_pem(CA.client_pem("alice"))  # and CA is whom it trusts
    _, peer = shake(version, certificate=mine)
    connection = peer.tls._connection  # type: ignore[attr-defined]  # the one of OpenSSL
    assert not connection.get_peer_cert_chain(as_cryptography=True)


@VERSION
def test_the_chain_is_sent_in_order_and_without_what_is_not_part_of_it(
    version: ssl.TLSVersion,
) -> None:
    shuffled = ClientCertificate(OWN, MINE.key, (*STRANGERS, ROOT_ONE, MIDDLE_ONE))
    _, peer = shake(version, certificate=shuffled)
    connection = peer.tls._connection  # type: ignore[attr-defined]  # the one of OpenSSL
    assert connection.get_peer_certificate(as_cryptography=True) == OWN
    # On the server's side what stands behind the certificate.
    assert connection.get_peer_cert_chain(as_cryptography=True) == [MIDDLE_ONE]
