"""What follows from a staple, and from none: the rule, and what a handshake makes of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from securemail import (
    CertificateError,
    CertificateReason,
    CertStatus,
    ClientCertificate,
    Policy,
    Revocation,
    RevocationStatus,
    TLSError,
    TLSVersion,
    Trust,
)
from securemail.limits import STAPLE_BYTES
from securemail.testing import CertificateAuthority
from securemail.tls import revocation
from securemail.tls.engine import Engine
from securemail.tls.revocation import objection
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, make
from tests.tls.memory import TLS12, TLS13, engine
from tests.tls.staples import HOUR, MUST_STAPLE, NOW, REVOKED, UNKNOWN, Staple, error
from tests.tls.stapling import StaplingServer

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
