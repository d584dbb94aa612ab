"""Staples where no issuer vouches: no minimum, DANE, pins, sessions that are taken up again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from securemail import (
    CertificateError,
    CertificateReason,
    CertStatus,
    ClientCertificate,
    Pin,
    Revocation,
    RevocationStatus,
    TLSVersion,
    Trust,
    TrustStore,
)
from securemail.records import TLSARecord
from securemail.testing import CertificateAuthority, ServerCertificate
from securemail.tls.resumption import Evidence, judge
from tests.pins import pin_of
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, make
from tests.tls.resuming import RULES, Client
from tests.tls.staples import HOUR, NOW, REVOKED, UNKNOWN, Staple, authority
from tests.tls.stapling import StaplingServer
from tests.tls.test_dane import record
from tests.tls.test_revocation import (
    GOOD,
    IF_STAPLED,
    PLAIN,
    PROMISING,
    REQUIRED,
    STATUSES,
    VERSION,
    meet,
    policy,
)
from tests.values import GOOD_PROOF, no_minimum


@pytest.fixture(scope="module")
def alice() -> ClientCertificate:
    return ClientCertificate.from_pem(CertificateAuthority().client_pem("alice"))


@VERSION
def test_without_a_minimum_a_revoked_server_is_noted(version: TLSVersion) -> None:
    server = StaplingServer(PLAIN, Staple(status=REVOKED).about(PLAIN), version)
    proof = meet(server, PLAIN, no_minimum()).proof()
    assert (proof.trust, proof.failure) == (Trust.NONE, CertificateReason.REVOKED)
    assert proof.problems == (CertificateReason.REVOKED,)
    assert proof.revocation.cert_status is CertStatus.REVOKED


@VERSION
def test_without_a_minimum_a_revoked_server_gets_no_client_certificate(
    version: TLSVersion, alice: ClientCertificate
) -> None:
    """OpenSSL has it before the staple is judged, and cannot be made to give it back."""
    server = StaplingServer(PLAIN, Staple(status=REVOKED).about(PLAIN), version)
    with pytest.raises(CertificateError) as caught:
        meet(server, PLAIN, no_minimum(), certificate=alice)
    assert caught.value.reason is CertificateReason.REVOKED
    assert server.client_certificate is None


@pytest.mark.parametrize(
    ("status", "problems"),
    [(REVOKED, [CertificateReason.REVOKED]), (UNKNOWN, [])],
    ids=["revoked", "unknown"],
)
def test_of_a_certificate_that_nobody_vouches_for_only_revoked_is_worth_saying(
    status: ocsp.OCSPCertStatus, problems: list[CertificateReason]
) -> None:
    """A person in account setup is shown the problems, and may pin one that has no such."""
    chain = make(LEAF, MIDDLE, ROOT)
    server = StaplingServer(chain, Staple(status=status).about(chain, authority(chain, MIDDLE)))
    stranger = make(LEAF, replace(ROOT, key="ed25519"))
    found = meet(server, stranger, no_minimum()).proof().problems
    assert list(found[1:]) == problems


def named(usage: int, chain: Chain) -> TLSARecord:
    """Return the record for the server's own certificate, or for the root above it."""
    meant = chain.certificates[0 if usage in (1, 3) else -1]
    return record(usage, meant.public_bytes(Encoding.PEM))


@VERSION
@pytest.mark.parametrize("wanted", [IF_STAPLED, REQUIRED])
@pytest.mark.parametrize(
    "staple",
    [b"", Staple(status=REVOKED).about(PROMISING), b"junk"],
    ids=["none", "revoked", "bad"],
)
def test_a_key_that_the_dns_names_has_no_issuer_to_revoke_it(
    staple: bytes, wanted: Revocation, version: TLSVersion
) -> None:
    """RFC 7671 section 5.1."""
    server = StaplingServer(PROMISING, staple, version)
    proof = meet(server, PROMISING, wanted, tlsa=[named(3, PROMISING)]).proof()
    assert (proof.trust, proof.failure) == (Trust.DANE_EE, None)


@pytest.mark.parametrize("usage", [0, 1, 2])
def test_with_any_other_record_the_issuers_word_counts(usage: int) -> None:
    tlsa = [named(usage, PLAIN)]
    for staple in (b"", Staple().about(PLAIN)):
        assert meet(StaplingServer(PLAIN, staple), PLAIN, tlsa=tlsa).proof().tlsa == tlsa[0]
    with pytest.raises(CertificateError) as caught:
        meet(StaplingServer(PLAIN, Staple(status=REVOKED).about(PLAIN)), PLAIN, tlsa=tlsa)
    assert caught.value.reason is CertificateReason.REVOKED


def pin(chain: Chain) -> Pin:
    return pin_of(ServerCertificate(chain.certificates[0].public_bytes(Encoding.PEM)))


@pytest.mark.parametrize(
    "staple", [b"", b"junk", Staple().about(PLAIN)], ids=["none", "bad", "another"]
)
def test_a_pin_asks_no_issuer(staple: bytes) -> None:
    """The client trusts somebody else: without the pin, nobody vouches for this certificate."""
    server = StaplingServer(PROMISING, staple)
    stranger = make(LEAF, replace(ROOT, key="ed25519"))
    proof = meet(server, stranger, no_minimum(), pin=pin(PROMISING)).proof()
    assert proof.trust is Trust.PIN


def test_a_pin_does_not_outweigh_its_own_issuers_word_that_it_is_revoked() -> None:
    chain = make(LEAF, MIDDLE, ROOT)
    revoked = Staple(status=REVOKED).about(chain, authority(chain, MIDDLE))
    stranger = make(LEAF, replace(ROOT, key="ed25519"))
    with pytest.raises(CertificateError) as caught:
        meet(StaplingServer(chain, revoked), stranger, no_minimum(), pin=pin(chain))
    assert caught.value.reason is CertificateReason.REVOKED


def returning(wanted: Revocation, **fields: Any) -> Client:
    rules = replace(RULES, revocation=wanted)
    return Client(TrustStore.from_pem(PLAIN.root), rules=rules, policy=policy(wanted), **fields)


@pytest.mark.parametrize("wanted", [IF_STAPLED, REQUIRED])
def test_a_resumed_session_has_the_status_of_its_full_handshake(wanted: Revocation) -> None:
    client, server = returning(wanted), StaplingServer(PLAIN, Staple().about(PLAIN))
    for is_resumed in (False, True, True):
        each = client.engine()
        server.meet(each)
        assert (each.proof().resumed, each.proof().revocation) == (is_resumed, GOOD)


@pytest.mark.parametrize("wanted", [IF_STAPLED, REQUIRED])
def test_a_session_is_not_taken_up_when_the_staple_has_run_out(wanted: Revocation) -> None:
    client, server = returning(wanted), StaplingServer(PLAIN, Staple().about(PLAIN))
    server.meet(client.engine())
    client.at = NOW + 2 * HOUR
    server.staple = Staple(since=HOUR, until=9 * HOUR).about(PLAIN)
    each = client.engine()
    server.meet(each)
    assert not each.proof().resumed
    assert each.proof().revocation.until == NOW + 9 * HOUR


def test_a_server_that_is_revoked_by_now_is_found_out_when_the_staple_has_run_out() -> None:
    client, server = returning(IF_STAPLED), StaplingServer(PLAIN, Staple().about(PLAIN))
    server.meet(client.engine())
    client.at, server.staple = NOW + 2 * HOUR, Staple(status=REVOKED).about(PLAIN)
    for _ in range(2):
        with pytest.raises(CertificateError) as caught:
            server.meet(client.engine())
        assert caught.value.reason is CertificateReason.REVOKED
    assert len(client.sessions) == 0


@pytest.mark.parametrize("status", STATUSES.values(), ids=lambda status: status.cert_status.name)
def test_where_a_staple_is_required_only_a_good_one_is_evidence(status: RevocationStatus) -> None:
    proof = replace(GOOD_PROOF, chain=PLAIN.certificates, revocation=status)
    verdict = judge(Evidence(proof, (), NOW), replace(RULES, revocation=REQUIRED), NOW)
    assert (verdict is not None) == (status.cert_status is CertStatus.GOOD)
