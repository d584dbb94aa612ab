"""What follows from a staple, and from none: the rule, and what a handshake makes of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from securemail import (
    CertificateError,
    CertificateReason,
    CertStatus,
    ClientCertificate,
    Pin,
    Policy,
    Revocation,
    RevocationStatus,
    TLSError,
    TLSVersion,
    Trust,
    TrustStore,
)
from securemail.limits import STAPLE_BYTES
from securemail.records import TLSARecord
from securemail.testing import CertificateAuthority, ServerCertificate
from securemail.tls import revocation
from securemail.tls.engine import Engine
from securemail.tls.resumption import Evidence, judge
from securemail.tls.revocation import objection
from tests.pins import pin_of
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, make
from tests.tls.memory import TLS12, TLS13, engine
from tests.tls.resuming import RULES, Client
from tests.tls.staples import HOUR, MUST_STAPLE, NOW, REVOKED, UNKNOWN, Staple, authority, error
from tests.tls.stapling import StaplingServer
from tests.tls.test_dane import record
from tests.values import GOOD_PROOF, no_minimum

PLAIN, PROMISING = make(LEAF, ROOT), make(MUST_STAPLE, ROOT)
OFF, IF_STAPLED, REQUIRED = Revocation
MISSING, INVALID = CertificateReason.STAPLE_MISSING, CertificateReason.STAPLE_INVALID
LATER = error(ocsp.OCSPResponseStatus.TRY_LATER)
GOOD = RevocationStatus(CertStatus.GOOD, NOW - HOUR, NOW + HOUR)
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda version: version.name)

# --- the rule

STATUSES = {
    CertStatus.GOOD: GOOD,
    CertStatus.REVOKED: RevocationStatus(CertStatus.REVOKED, detail="it was revoked"),
    **{
        each: RevocationStatus(each)
        for each in (
            CertStatus.NOT_ASKED,
            CertStatus.NOT_STAPLED,
            CertStatus.UNKNOWN,
            CertStatus.UNUSABLE,
        )
    },
}
REFUSED = {
    **{
        (wanted, status, promise): reason
        for wanted, promise in product((IF_STAPLED, REQUIRED), (False, True))
        for status, reason in (
            (CertStatus.REVOKED, CertificateReason.REVOKED),
            (CertStatus.UNKNOWN, INVALID),
            (CertStatus.UNUSABLE, INVALID),
        )
    },
    **{
        (wanted, status, promise): MISSING
        for status in (CertStatus.NOT_STAPLED, CertStatus.NOT_ASKED)
        for wanted, promise in ((IF_STAPLED, True), (REQUIRED, False), (REQUIRED, True))
    },
}


@pytest.mark.parametrize("promises", [False, True])
@pytest.mark.parametrize("status", CertStatus)
@pytest.mark.parametrize("wanted", Revocation)
def test_a_staple_must_be_good_and_none_will_do_where_none_is_promised_or_wanted(
    wanted: Revocation, status: CertStatus, promises: bool
) -> None:
    chain = (PROMISING if promises else PLAIN).certificates
    found = objection(wanted, chain, STATUSES[status], NOW)
    reason = REFUSED.get((wanted, status, promises))
    assert (found.reason if found else None) is reason
    if found:
        assert (found.certificate, found.depth) == (chain[0], 0)


def test_what_was_good_is_not_when_the_staple_has_run_out() -> None:
    for wanted in (IF_STAPLED, REQUIRED):
        found = objection(wanted, PLAIN.certificates, GOOD, NOW + 2 * HOUR)
        assert found is not None
        assert found.reason is INVALID


def test_an_authority_may_promise_staples_for_all_that_it_certifies() -> None:
    chain = make(LEAF, replace(MIDDLE, more=MUST_STAPLE.more), ROOT)
    found = objection(IF_STAPLED, chain.certificates, STATUSES[CertStatus.NOT_STAPLED], NOW)
    assert found is not None
    assert found.reason is MISSING


def test_another_feature_is_no_promise_of_a_staple() -> None:
    other = x509.TLSFeature([x509.TLSFeatureType.status_request_v2])
    chain = make(replace(LEAF, more=((other, False),)), ROOT)
    assert objection(IF_STAPLED, chain.certificates, STATUSES[CertStatus.NOT_STAPLED], NOW) is None


# --- in a handshake


@pytest.fixture(scope="module")
def alice() -> ClientCertificate:
    return ClientCertificate.from_pem(CertificateAuthority().client_pem("alice"))


def policy(revocation: Revocation) -> Policy:
    return Policy(revocation=revocation)


def meet(
    server: StaplingServer, chain: Chain, wanted: Policy | Revocation = IF_STAPLED, **more: Any
) -> Engine:
    asked = wanted if isinstance(wanted, Policy) else policy(wanted)
    client = engine(chain.root, policy=asked, **more)
    server.meet(client)
    return client


@VERSION
@pytest.mark.parametrize("wanted", [IF_STAPLED, REQUIRED])
def test_a_good_staple_is_in_the_proof_and_the_client_certificate_leaves(
    wanted: Revocation, version: TLSVersion, alice: ClientCertificate
) -> None:
    server = StaplingServer(PLAIN, Staple().about(PLAIN), version)
    proof = meet(server, PLAIN, wanted, certificate=alice).proof()
    assert proof.revocation == GOOD
    assert (proof.trust, proof.failure) == (Trust.PKIX, None)
    assert server.client_certificate is not None


@VERSION
def test_where_nothing_is_stapled_and_nothing_promised_the_proof_says_so(
    version: TLSVersion,
) -> None:
    proof = meet(StaplingServer(PLAIN, version=version), PLAIN).proof()
    assert proof.revocation == RevocationStatus(CertStatus.NOT_STAPLED)
    assert proof.trust is Trust.PKIX


@VERSION
def test_where_it_is_off_no_staple_is_asked_for(version: TLSVersion) -> None:
    server = StaplingServer(PROMISING, Staple(status=REVOKED).about(PROMISING), version)
    proof = meet(server, PROMISING, OFF).proof()
    assert proof.revocation == RevocationStatus(CertStatus.NOT_ASKED)
    assert proof.trust is Trust.PKIX


STAPLES: dict[str, tuple[Chain, bytes, Revocation, CertificateReason, str]] = {
    "revoked": (
        PLAIN,
        Staple(status=REVOKED).about(PLAIN),
        IF_STAPLED,
        CertificateReason.REVOKED,
        "mail.example.org was revoked by its issuer on 2026-11-20 10:00 UTC (key compromise)",
    ),
    "unknown": (
        PLAIN,
        Staple(status=UNKNOWN).about(PLAIN),
        IF_STAPLED,
        INVALID,
        "mail.example.org is unknown to its issuer",
    ),
    "expired": (
        PLAIN,
        Staple(since=-3 * HOUR, until=-HOUR).about(PLAIN),
        IF_STAPLED,
        INVALID,
        "the server has stapled a status that ended on",
    ),
    "malformed": (
        PLAIN,
        b"\x30\x03\x0a\1\0",
        IF_STAPLED,
        INVALID,
        "the server has stapled a status that cannot be read",
    ),
    "promised": (
        PROMISING,
        b"",
        IF_STAPLED,
        MISSING,
        "mail.example.org promises a proof that it is not revoked, and the server has stapled none",
    ),
    "required": (
        PLAIN,
        b"",
        REQUIRED,
        MISSING,
        "the server has stapled no proof that it is not revoked",
    ),
}


@VERSION
@pytest.mark.parametrize("name", STAPLES)
def test_a_refusal_comes_before_the_client_certificate_leaves(
    name: str, version: TLSVersion, alice: ClientCertificate
) -> None:
    chain, staple, wanted, reason, words = STAPLES[name]
    server = StaplingServer(chain, staple, version)
    with pytest.raises(CertificateError) as caught:
        meet(server, chain, wanted, certificate=alice)
    assert caught.value.reason is reason
    assert words in str(caught.value)
    assert caught.value.certificate == chain.certificates[0]
    assert server.client_certificate is None
    assert "bad certificate status response" in server.alert


FORGED: dict[str, tuple[bytes, CertificateReason | None]] = {
    "another's": (Staple().about(PROMISING), INVALID),
    "junk": (b"\xff" * 99, INVALID),
    "cut": (Staple().about(PLAIN)[:-9], INVALID),
    "as long as may be": (bytes(STAPLE_BYTES - 4), INVALID),
    "too long": (bytes(STAPLE_BYTES - 3), CertificateReason.MALFORMED),
    "huge": (bytes(60_000), CertificateReason.MALFORMED),
    "empty": (b"", None),  # no CertificateStatus as RFC 6066 has it
}


@pytest.mark.parametrize("name", FORGED)
def test_a_staple_that_is_none_is_a_refusal_and_no_other_exception(
    name: str, alice: ClientCertificate
) -> None:
    forged, reason = FORGED[name]
    server = StaplingServer(PLAIN, Staple().about(PLAIN), TLS12, forged=forged)
    with pytest.raises(CertificateError if reason else TLSError) as caught:
        meet(server, PLAIN, certificate=alice)
    assert getattr(caught.value, "reason", None) is reason
    assert server.client_certificate is None
    assert server.alert


@VERSION
def test_trouble_while_judging_a_staple_is_a_refusal(
    version: TLSVersion, alice: ClientCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a parser that fails")

    monkeypatch.setattr(revocation, "read_staple", broken)
    server = StaplingServer(PLAIN, Staple().about(PLAIN), version)
    with pytest.raises(CertificateError) as caught:
        meet(server, PLAIN, certificate=alice)
    assert caught.value.reason is CertificateReason.MALFORMED
    assert server.client_certificate is None


# --- accounts without a minimum


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


# --- DANE, pins


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


# --- sessions that are taken up again


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
