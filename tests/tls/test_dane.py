"""DANE: what TLSA records make of a chain (RFC 6698, RFC 7671)."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from securemail import (
    CertificateError,
    CertificateReason,
    ClientCertificate,
    IdentityKind,
    Trust,
)
from securemail.proof import Proof
from securemail.records import TLSARecord
from securemail.testing import CertificateAuthority, ServerCertificate, self_signed
from securemail.tls.dane import matches
from securemail.tls.der import public_key_info
from securemail.tls.verdict import Finding, Rules, decide
from tests.tls.chains import LEAF, make
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands
from tests.values import no_minimum

KINDS = list(product((0, 1), (0, 1, 2)))
NOBODY = CertificateAuthority().pem


def record(usage: int, pem: bytes, selector: int = 1, matching_type: int = 1) -> TLSARecord:
    """Return the record for the first certificate in `pem`."""
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    selected = public_key_info(der) if selector else der
    hashed: tuple[Callable[[], bytes], ...] = (
        lambda: selected,
        hashlib.sha256(selected).digest,
        hashlib.sha512(selected).digest,
    )
    return TLSARecord(usage, selector, matching_type, hashed[matching_type]())


class World:
    """An authority that no account believes, its intermediate, and a server under both."""

    def __init__(self) -> None:
        self.root = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.intermediate = self.root.create_child_ca(trustme.KeyType.ECDSA)
        self.root_pem = self.root.cert_pem.bytes()
        self.intermediate_pem = self.intermediate.cert_pem.bytes()

    def server(self, *names: str) -> ServerCertificate:
        """Return a certificate for `names` with its whole chain, the root included."""
        issued = self.intermediate.issue_cert(*names or (HOST,), key_type=trustme.KeyType.ECDSA)
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        if self.root_pem not in chain:
            chain += self.root_pem
        return ServerCertificate(issued.private_key_pem.bytes() + chain)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def met(
    certificate: ServerCertificate,
    records: Iterable[TLSARecord],
    *,
    believing: bytes = NOBODY,
    version: ssl.TLSVersion | None = None,
) -> Proof:
    """Return the proof of a handshake with that server under those records."""
    client = engine(believing, tlsa=records)
    shake_hands(client, MemoryServer(certificate.context(maximum_version=version)))
    return client.proof()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("selector", "matching_type"), KINDS)
def test_a_key_in_the_dns_vouches_for_a_certificate_that_no_authority_knows(
    selector: int, matching_type: int, version: ssl.TLSVersion
) -> None:
    certificate = self_signed("whatever.example")
    wanted = record(3, certificate.pem, selector, matching_type)
    proof = met(certificate, [wanted], version=version)
    assert (proof.trust, proof.tlsa, proof.failure) == (Trust.DANE_EE, wanted, None)
    assert proof.identity is not None
    assert (proof.identity.kind, proof.identity.name) == (IdentityKind.TLSA, HOST)


@pytest.mark.parametrize("kind", ["expired", "not_yet_valid"])
def test_usage_3_does_not_look_at_dates(kind: str) -> None:
    certificate: ServerCertificate = getattr(CertificateAuthority(), kind)(HOST)
    assert met(certificate, [record(3, certificate.pem)]).trust is Trust.DANE_EE


@pytest.mark.parametrize(("selector", "matching_type"), KINDS)
@pytest.mark.parametrize("anchor", ["root_pem", "intermediate_pem"])
def test_an_authority_in_the_dns_vouches_for_what_it_issued(
    world: World, anchor: str, selector: int, matching_type: int
) -> None:
    wanted = record(2, getattr(world, anchor), selector, matching_type)
    proof = met(world.server(), [wanted])
    assert (proof.trust, proof.tlsa) == (Trust.DANE_TA, wanted)
    assert proof.identity is not None
    assert proof.identity.kind is IdentityKind.DNS_ID


def test_usage_2_still_wants_the_name(world: World) -> None:
    with pytest.raises(CertificateError) as caught:
        met(world.server("other.example"), [record(2, world.root_pem)])
    assert caught.value.reason is CertificateReason.NAME_MISMATCH


def test_usage_2_still_wants_dates() -> None:
    ca = CertificateAuthority()
    expired = ca.expired(HOST)
    chain = ServerCertificate(expired.pem + ca.pem)
    with pytest.raises(CertificateError) as caught:
        met(chain, [record(2, ca.pem)])
    assert caught.value.reason is CertificateReason.EXPIRED


def test_usage_2_wants_a_signature_and_not_just_the_anchor_in_the_chain(world: World) -> None:
    """An attacker sends the genuine authority along with a certificate of their own."""
    forged = ServerCertificate(self_signed(HOST).pem + world.root_pem)
    with pytest.raises(CertificateError):
        met(forged, [record(2, world.root_pem)])


def test_usage_2_wants_the_signature_of_the_anchor_that_is_named_as_the_issuer(
    world: World,
) -> None:
    """The forged certificate names the genuine authority, which never signed it."""
    ours = x509.load_pem_x509_certificate(world.root_pem)
    key = ec.generate_private_key(ec.SECP256R1())
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    forged = (
        x509.CertificateBuilder(
            ours.subject, x509.Name([]), key.public_key(), 7, start, start + dt.timedelta(days=9)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + forged
    with pytest.raises(CertificateError) as caught:
        met(ServerCertificate(pem + world.root_pem), [record(2, world.root_pem)])
    assert caught.value.reason is CertificateReason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("kind", "trust"),
    [
        ("rsa1024", Trust.NONE),
        ("rsa2048", Trust.DANE_EE),
        ("secp192r1", Trust.NONE),
        ("ec", Trust.DANE_EE),
        ("ed25519", Trust.DANE_EE),
    ],
)
def test_usage_3_wants_a_key_that_is_long_enough(kind: str, trust: Trust) -> None:
    chain = make(replace(LEAF, key=kind))
    tlsa = (record(3, chain.root),)
    rules = Rules(host=HOST, is_address=False, must_validate=True, tlsa=tlsa, tlsa_base=HOST)
    verdict = decide(rules, chain.certificates, [])
    assert verdict.trust is trust
    if verdict.failure is not None:
        assert verdict.failure.reason is CertificateReason.WEAK_KEY


def test_usage_2_is_never_about_the_servers_own_certificate() -> None:
    certificate = self_signed(HOST)
    with pytest.raises(CertificateError) as caught:
        met(certificate, [record(2, certificate.pem)])
    assert caught.value.reason is CertificateReason.DANE_MISMATCH


@pytest.mark.parametrize("usage", [0, 1])
def test_usages_0_and_1_narrow_down_what_an_authority_says(world: World, usage: int) -> None:
    server = world.server()
    wanted = record(usage, world.root_pem if usage == 0 else server.pem)
    proof = met(server, [wanted], believing=world.root_pem)
    assert (proof.trust, proof.tlsa) == (Trust.PKIX, wanted)
    with pytest.raises(CertificateError) as caught:
        met(server, [wanted])
    assert caught.value.reason is CertificateReason.UNKNOWN_ISSUER


@pytest.mark.parametrize("usage", [0, 1])
def test_a_match_of_usage_0_or_1_does_not_outweigh_what_pkix_found(usage: int) -> None:
    ca = CertificateAuthority()
    server = ca.issue(HOST)
    chain = x509.load_pem_x509_certificates(server.pem + ca.pem)
    wanted = record(usage, ca.pem if usage == 0 else server.pem)
    rules = Rules(host=HOST, is_address=False, must_validate=True, tlsa=(wanted,), tlsa_base=HOST)
    finding = Finding(CertificateReason.EXPIRED, chain[0], "it expired")
    assert decide(rules, chain, []).tlsa == wanted
    verdict = decide(rules, chain, [finding])
    assert (verdict.trust, verdict.tlsa) == (Trust.NONE, None)


@pytest.mark.parametrize("usage", [0, 1])
def test_usages_0_and_1_still_want_the_name(world: World, usage: int) -> None:
    server = world.server("other.example")
    wanted = record(usage, world.root_pem if usage == 0 else server.pem)
    with pytest.raises(CertificateError) as caught:
        met(server, [wanted], believing=world.root_pem)
    assert caught.value.reason is CertificateReason.NAME_MISMATCH


@pytest.mark.parametrize("usage", [0, 1, 2, 3])
def test_where_no_record_matches_the_connection_fails_though_pkix_would_pass(
    world: World, usage: int
) -> None:
    with pytest.raises(CertificateError, match=r"TLSA records of mail\.example\.org") as caught:
        met(world.server(), [record(usage, NOBODY)], believing=world.root_pem)
    assert caught.value.reason is CertificateReason.DANE_MISMATCH


def test_nothing_leaves_after_a_mismatch(world: World) -> None:
    server = MemoryServer(world.server().context(client_roots=world.root_pem))
    issued = world.root.issue_cert("alice", common_name="alice")
    mine = ClientCertificate.from_pem(
        issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
    )
    client = engine(world.root_pem, certificate=mine, tlsa=[record(3, NOBODY)])
    with pytest.raises(CertificateError):
        shake_hands(client, server)
    server.incoming.write(client.outgoing())
    server.advance()
    assert server.client_certificate is None
    assert not client.client_certificate_sent


@pytest.mark.parametrize("order", [1, -1])
def test_during_a_roll_over_either_key_will_do(order: int) -> None:
    old, new = self_signed(HOST), self_signed(HOST)
    records = [record(3, old.pem), record(3, new.pem)][::order]
    assert met(old, records).tlsa == record(3, old.pem)
    assert met(new, records).tlsa == record(3, new.pem)


def test_the_key_goes_before_the_authority(world: World) -> None:
    server = world.server()
    records = [record(1, server.pem), record(2, world.root_pem), record(3, server.pem)]
    assert met(server, records).trust is Trust.DANE_EE


def test_one_record_that_is_met_makes_up_for_one_that_is_met_in_vain() -> None:
    """Usage 1 matches, but no authority knows the certificate; usage 2 vouches for its issuer."""
    ca = CertificateAuthority()
    issued = ca.issue(HOST)
    server = ServerCertificate(issued.pem + ca.pem)
    assert met(server, [record(1, server.pem), record(2, ca.pem)]).trust is Trust.DANE_TA


def test_without_a_minimum_a_mismatch_is_noted_and_nothing_vouches(world: World) -> None:
    client = engine(world.root_pem, policy=no_minimum(), tlsa=[record(3, NOBODY)])
    shake_hands(client, MemoryServer(world.server().context()))
    proof = client.proof()
    assert (proof.trust, proof.identity) == (Trust.NONE, None)
    assert proof.failure is CertificateReason.DANE_MISMATCH


def test_records_that_cannot_be_used_leave_pkix_in_force(world: World) -> None:
    proof = met(world.server(), [replace(record(3, NOBODY), usage=9)], believing=world.root_pem)
    assert (proof.trust, proof.tlsa) == (Trust.PKIX, None)


def test_a_match_says_where(world: World) -> None:
    chain = x509.load_pem_x509_certificates(world.server().pem)
    found = matches([record(2, world.root_pem), record(0, world.intermediate_pem)], chain)
    assert [(match.record.usage, match.depth) for match in found] == [(2, 2), (0, 1)]
