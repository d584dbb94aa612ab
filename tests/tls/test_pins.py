"""When a pin vouches for a certificate: the rule, without a socket."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509

from securemail import CertificateError, CertificateReason, Pin, Trust
from securemail.records import TLSARecord
from securemail.testing import CertificateAuthority, ServerCertificate, self_signed
from securemail.tls.verdict import Finding, Rules, Verdict, decide, problems_of
from tests.pins import HOST, aged, pin_of

STRANGER, OTHER = self_signed(HOST), self_signed(HOST)
REASONS = CertificateReason
DAY = dt.timedelta(days=1)
# Nobody vouches for a certificate that is pinned, and nobody's word on its revocation is missed.
EXCUSED = (
    REASONS.SELF_SIGNED,
    REASONS.UNKNOWN_ISSUER,
    REASONS.INCOMPLETE_CHAIN,
    REASONS.STAPLE_MISSING,
    REASONS.STAPLE_INVALID,
)


def loaded(certificate: ServerCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.pem)


def rules(pin: Pin | None, host: str = HOST) -> Rules:
    return Rules(host=host, is_address=False, must_validate=True, pin=pin)


def judged(
    shown: ServerCertificate, pin: Pin | None, *reasons: CertificateReason, depth: int = 0
) -> Verdict:
    chain = [loaded(shown)]
    return decide(rules(pin), chain, [Finding(each, chain[0], "bad", depth) for each in reasons])


def failure_of(verdict: Verdict) -> CertificateError:
    assert verdict.failure is not None
    assert verdict.trust is Trust.NONE
    return verdict.failure


@pytest.mark.parametrize("reason", EXCUSED)
def test_a_pin_vouches_for_the_certificate_that_was_accepted(reason: CertificateReason) -> None:
    verdict = judged(STRANGER, pin_of(STRANGER), reason)
    assert verdict == Verdict(Trust.PIN)
    assert verdict.identity is None


def test_a_pin_vouches_for_a_certificate_with_another_name() -> None:
    elsewhere = self_signed("elsewhere.example")
    assert judged(elsewhere, pin_of(elsewhere)).trust is Trust.PIN
    assert judged(elsewhere, None).trust is Trust.NONE


@pytest.mark.parametrize("reason", [REASONS.SELF_SIGNED, REASONS.EXPIRED, REASONS.WEAK_KEY])
def test_another_certificate_is_refused_and_both_are_shown(reason: CertificateReason) -> None:
    pin = pin_of(STRANGER)
    error = failure_of(judged(OTHER, pin, reason))
    assert error.reason is REASONS.PIN_MISMATCH
    assert error.certificate == loaded(OTHER)
    assert error.pinned == loaded(STRANGER)
    assert pin.fingerprint in str(error)
    assert pin_of(OTHER).fingerprint in str(error)
    assert reason.value in str(error)


def test_a_certificate_that_validates_needs_no_pin_and_rests_on_none() -> None:
    for shown in (STRANGER, OTHER):
        verdict = judged(shown, pin_of(STRANGER))
        assert verdict.trust is Trust.PKIX
        assert verdict.identity is not None


@pytest.mark.parametrize("reason", [each for each in CertificateReason if each not in EXCUSED])
def test_a_pin_excuses_nothing_but_the_want_of_an_authority(reason: CertificateReason) -> None:
    error = failure_of(judged(STRANGER, pin_of(STRANGER), REASONS.SELF_SIGNED, reason))
    assert error.reason is reason
    assert error.pinned == loaded(STRANGER)


def test_what_stands_above_a_pinned_certificate_does_not_matter() -> None:
    reasons = (REASONS.EXPIRED, REASONS.UNKNOWN_ISSUER)
    assert judged(STRANGER, pin_of(STRANGER), *reasons, depth=1).trust is Trust.PIN


def test_a_pin_ends_with_its_certificate() -> None:
    over = CertificateAuthority().expired(HOST)
    made_before = aged(pin_of(over), 10)
    assert failure_of(judged(over, made_before, REASONS.EXPIRED)).reason is REASONS.EXPIRED


def test_a_certificate_that_was_expired_when_it_was_accepted_is_still_accepted() -> None:
    over = CertificateAuthority().expired(HOST)
    assert judged(over, pin_of(over), REASONS.EXPIRED).trust is Trust.PIN


def test_what_the_dns_says_goes_before_a_pin() -> None:
    chain = [loaded(STRANGER)]
    signed = replace(rules(pin_of(STRANGER)), tlsa=(TLSARecord(3, 1, 1, bytes(32)),))
    verdict = decide(signed, chain, [Finding(REASONS.SELF_SIGNED, chain[0], "bad")])
    assert failure_of(verdict).reason is REASONS.DANE_MISMATCH


def test_all_that_is_wrong_is_named_for_a_person_the_name_included() -> None:
    chain = [loaded(self_signed("elsewhere.example"))]
    findings = [Finding(each, chain[0], "bad") for each in (REASONS.SELF_SIGNED, REASONS.EXPIRED)]
    found = problems_of(rules(None), chain, findings)
    assert found == (REASONS.SELF_SIGNED, REASONS.EXPIRED, REASONS.NAME_MISMATCH)
    assert problems_of(rules(None), [loaded(STRANGER)], ()) == ()
