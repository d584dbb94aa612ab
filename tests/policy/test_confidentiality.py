"""What a proof is worth under a policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import (
    CertStatus,
    Level,
    Policy,
    Revocation,
    RevocationStatus,
    Shortfall,
    TLSVersion,
    Trust,
)
from securemail.policy.confidentiality import (
    INDICATORS,
    confidentiality,
    is_post_quantum,
    may_show_client_certificate,
    shortfalls,
)
from securemail.proof import Proof
from securemail.records import TLSARecord
from tests.values import GOOD_PROOF, UNVALIDATED_PROOF, no_minimum

TLS12 = replace(GOOD_PROOF, tls_version=TLSVersion.TLS_1_2, group="x25519")
PINNED = replace(GOOD_PROOF, trust=Trust.PIN)
ASKED_IN_TLS12 = replace(TLS12, client_certificate_requested=True)
WITHHELD = replace(ASKED_IN_TLS12, client_certificate_withheld=True)

TLSA = TLSARecord(3, 1, 1, bytes(32))
KNOWN_GOOD = Policy(revocation=Revocation.REQUIRED)
NOT_STAPLED, STAPLED = (
    replace(GOOD_PROOF, revocation=RevocationStatus(status))
    for status in (CertStatus.NOT_STAPLED, CertStatus.GOOD)
)


@pytest.mark.parametrize(
    ("policy", "proof", "missing"),
    [
        (Policy(), None, {Shortfall.NO_TLS}),
        (Policy(), GOOD_PROOF, set()),
        (Policy(), TLS12, set()),
        (Policy(), UNVALIDATED_PROOF, {Shortfall.CERTIFICATE}),
        (Policy(), replace(GOOD_PROOF, identity=None), {Shortfall.CERTIFICATE}),
        (Policy(), PINNED, {Shortfall.PINNED}),
        (Policy(minimum_tls=TLSVersion.TLS_1_3), TLS12, {Shortfall.TLS_VERSION}),
        (Policy(minimum_tls=TLSVersion.TLS_1_3), GOOD_PROOF, set()),
        (Policy(require_post_quantum=True), TLS12, {Shortfall.NO_POST_QUANTUM}),
        (Policy(require_post_quantum=True), GOOD_PROOF, set()),
        (Policy(require_dane=True), GOOD_PROOF, {Shortfall.NO_DANE}),
        (Policy(require_dane=True), replace(GOOD_PROOF, tlsa=TLSA), set()),
        (Policy(), replace(GOOD_PROOF, trust=Trust.DANE_EE, tlsa=TLSA), set()),
        (Policy(), replace(GOOD_PROOF, trust=Trust.DANE_TA, tlsa=TLSA), set()),
        (Policy(require_dane=True), replace(PINNED, tlsa=TLSA), {Shortfall.PINNED}),
        (Policy(), NOT_STAPLED, set()),
        (Policy(revocation=Revocation.OFF), NOT_STAPLED, set()),
        (KNOWN_GOOD, GOOD_PROOF, {Shortfall.REVOCATION}),
        (KNOWN_GOOD, NOT_STAPLED, {Shortfall.REVOCATION}),
        (KNOWN_GOOD, STAPLED, set()),
        (KNOWN_GOOD, replace(NOT_STAPLED, trust=Trust.DANE_EE, tlsa=TLSA), set()),
        (KNOWN_GOOD, replace(NOT_STAPLED, trust=Trust.DANE_TA, tlsa=TLSA), {Shortfall.REVOCATION}),
        (
            Policy(require_tls13_for_client_certificate=True),
            WITHHELD,
            {Shortfall.CLIENT_CERTIFICATE_VISIBLE},
        ),
        (Policy(require_tls13_for_client_certificate=True), TLS12, set()),
        (Policy(require_tls13_for_client_certificate=True), ASKED_IN_TLS12, set()),
        (Policy(), ASKED_IN_TLS12, set()),
    ],
)
def test_shortfalls_are_what_the_policy_asks_for_and_the_proof_lacks(
    policy: Policy, proof: Proof | None, missing: set[Shortfall]
) -> None:
    assert shortfalls(policy, proof) == missing


@pytest.mark.parametrize("proof", [None, GOOD_PROOF, UNVALIDATED_PROOF, PINNED])
def test_an_account_without_a_minimum_misses_nothing(proof: Proof | None) -> None:
    assert shortfalls(no_minimum(), proof) == set()


@pytest.mark.parametrize("policy", [Policy(), no_minimum()], ids=["minimum", "none"])
@pytest.mark.parametrize(
    ("proof", "level"),
    [
        (None, Level.NONE),
        (UNVALIDATED_PROOF, Level.UNAUTHENTICATED),
        (replace(GOOD_PROOF, identity=None), Level.UNAUTHENTICATED),
        (PINNED, Level.PINNED),
        (GOOD_PROOF, Level.CONFIDENTIAL),
    ],
)
def test_the_level_follows_from_the_facts_and_no_policy_raises_it(
    policy: Policy, proof: Proof | None, level: Level
) -> None:
    assert confidentiality(policy, proof).level is level


def test_an_authenticated_connection_below_the_accounts_own_minimum_is_reduced() -> None:
    record = confidentiality(Policy(require_post_quantum=True), TLS12)
    assert record.level is Level.REDUCED
    assert record.shortfalls == {Shortfall.NO_POST_QUANTUM}


FACTS = [
    replace(GOOD_PROOF, trust=trust, identity=identity, tls_version=version, group=group, tlsa=tlsa)
    for trust in Trust
    for identity in (None, GOOD_PROOF.identity)
    for version in TLSVersion
    for group in (None, "x25519", "X25519MLKEM768")
    for tlsa in (None, TLSA)
]
POLICIES = [
    no_minimum(),
    *(
        Policy(minimum_tls=version, require_post_quantum=quantum, require_dane=dane)
        for version in TLSVersion
        for quantum in (False, True)
        for dane in (False, True)
    ),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_no_fact_and_no_policy_draw_a_lock_on_what_is_not_confidential(policy: Policy) -> None:
    vouched_for = {Trust.PKIX, Trust.DANE_EE, Trust.DANE_TA}
    for proof in FACTS:
        is_enough = (
            proof.trust in vouched_for
            and proof.identity is not None
            and not proof.tls_version < policy.minimum_tls
            and (is_post_quantum(proof.group) or not policy.require_post_quantum)
            and (proof.tlsa is not None or not policy.require_dane)
        )
        record = confidentiality(policy, proof)
        assert record.indicator.is_locked == is_enough == (not record.shortfalls)


@pytest.mark.parametrize("level", Level)
def test_only_a_confidential_connection_shows_a_lock(level: Level) -> None:
    assert INDICATORS[level].is_locked == (level is Level.CONFIDENTIAL)


def test_each_indicator_has_its_own_code_and_a_sentence() -> None:
    assert len({indicator.code for indicator in INDICATORS.values()}) == len(Level)
    assert all(indicator.sentence.endswith(".") for indicator in INDICATORS.values())


def test_without_a_minimum_the_record_still_says_what_the_rfc_misses() -> None:
    assert confidentiality(no_minimum(), None).shortfalls == {Shortfall.NO_TLS}


@pytest.mark.parametrize("version", TLSVersion)
@pytest.mark.parametrize("sent", [False, True])
def test_the_record_says_when_the_client_certificate_was_visible_on_the_path(
    version: TLSVersion, sent: bool
) -> None:
    proof = replace(GOOD_PROOF, tls_version=version, client_certificate_sent=sent)
    visible = sent and version is TLSVersion.TLS_1_2
    assert confidentiality(Policy(), proof).is_client_certificate_visible == visible


def test_the_record_repeats_the_facts_of_the_handshake() -> None:
    proof = replace(TLS12, client_certificate_requested=True, client_certificate_sent=True)
    record = confidentiality(Policy(), proof)
    assert (record.tls_version, record.cipher, record.group) == (
        TLSVersion.TLS_1_2,
        proof.cipher,
        "x25519",
    )
    assert record.client_certificate_requested
    assert record.client_certificate_sent
    assert record.identity == proof.identity


def test_the_record_says_what_is_known_about_the_revocation() -> None:
    record = confidentiality(Policy(), NOT_STAPLED)
    assert record.revocation.cert_status is CertStatus.NOT_STAPLED
    assert str(record.revocation) == "not stapled"
    assert record.level is Level.CONFIDENTIAL
    assert confidentiality(KNOWN_GOOD, NOT_STAPLED).level is Level.REDUCED
    assert confidentiality(KNOWN_GOOD, STAPLED).level is Level.CONFIDENTIAL
    assert confidentiality(Policy(), None).revocation.cert_status is CertStatus.NOT_ASKED


@pytest.mark.parametrize(
    ("group", "answer"),
    [("X25519MLKEM768", True), ("SecP256r1MLKEM768", True), ("x25519", False), (None, False)],
)
def test_hybrid_groups_are_known_by_name(group: str | None, answer: bool) -> None:
    assert is_post_quantum(group) == answer


@pytest.mark.parametrize("version", TLSVersion)
@pytest.mark.parametrize("strict", [False, True])
def test_a_policy_can_hold_the_client_certificate_back_from_tls12(
    version: TLSVersion, strict: bool
) -> None:
    policy = Policy(require_tls13_for_client_certificate=strict)
    allowed = not strict or version is TLSVersion.TLS_1_3
    assert may_show_client_certificate(policy, version, "x25519") == allowed


@pytest.mark.parametrize(
    ("version", "group", "allowed"),
    [
        (TLSVersion.TLS_1_3, "X25519MLKEM768", True),
        (TLSVersion.TLS_1_3, "x25519", False),
        (TLSVersion.TLS_1_3, None, False),
        (TLSVersion.TLS_1_2, None, False),
    ],
)
def test_a_policy_on_quantum_computers_holds_the_client_certificate_back_as_well(
    version: TLSVersion, group: str | None, allowed: bool
) -> None:
    policy = Policy(require_post_quantum=True)
    assert may_show_client_certificate(policy, version, group) == allowed


def test_a_certificate_held_back_in_tls13_was_not_visible_on_the_path() -> None:
    held_back = replace(GOOD_PROOF, group="x25519", client_certificate_withheld=True)
    missing = shortfalls(Policy(require_post_quantum=True), held_back)
    assert missing == {Shortfall.NO_POST_QUANTUM}
