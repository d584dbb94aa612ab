"""The gate, over all intents and all shortfalls."""

from __future__ import annotations

import itertools

import pytest

from securemail import Phase, Policy, PolicyError, Shortfall
from securemail.intent import Intent
from securemail.policy.confidentiality import phase
from securemail.policy.gate import Gate, is_allowed
from tests.values import GOOD_PROOF, UNVALIDATED_PROOF, no_minimum

SETS = [
    frozenset(some) for size in range(3) for some in itertools.combinations(Shortfall, size)
] + [frozenset(Shortfall)]


@pytest.mark.parametrize("missing", SETS, ids=lambda s: "+".join(sorted(x.name for x in s)) or "-")
@pytest.mark.parametrize("intent", Intent)
def test_below_the_minimum_only_discovery_and_upgrade_pass(
    intent: Intent, missing: frozenset[Shortfall]
) -> None:
    harmless = intent in {Intent.DISCOVER, Intent.UPGRADE}
    assert is_allowed(intent, missing) == (harmless or not missing)


@pytest.mark.parametrize("intent", [Intent.AUTHENTICATE, Intent.USE])
def test_the_gate_is_closed_as_long_as_there_is_no_tls(intent: Intent) -> None:
    with pytest.raises(PolicyError) as caught:
        Gate(Policy())(intent)
    assert caught.value.shortfalls == {Shortfall.NO_TLS}


@pytest.mark.parametrize("intent", [Intent.AUTHENTICATE, Intent.USE])
def test_the_gate_is_closed_for_a_certificate_that_was_not_validated(intent: Intent) -> None:
    with pytest.raises(PolicyError) as caught:
        Gate(Policy(), UNVALIDATED_PROOF)(intent)
    assert caught.value.shortfalls == {Shortfall.CERTIFICATE}


@pytest.mark.parametrize("intent", Intent)
def test_the_gate_opens_to_a_proof_without_shortfalls(intent: Intent) -> None:
    Gate(Policy(), GOOD_PROOF)(intent)


@pytest.mark.parametrize("intent", Intent)
def test_without_a_minimum_nothing_is_held_back(intent: Intent) -> None:
    Gate(no_minimum())(intent)


@pytest.mark.parametrize("intent", Intent)
def test_where_a_pin_is_nothing_private_is_said_before_tls(intent: Intent) -> None:
    gate = Gate(no_minimum(), must_encrypt=True)
    assert gate.shortfalls == {Shortfall.NO_TLS}
    if intent in {Intent.AUTHENTICATE, Intent.USE}:
        with pytest.raises(PolicyError):
            gate(intent)
    gate.proof = UNVALIDATED_PROOF
    gate(intent)


def test_the_refusal_says_all_that_is_missing() -> None:
    gate = Gate(Policy(require_dane=True, require_post_quantum=True), UNVALIDATED_PROOF)
    with pytest.raises(PolicyError, match=r"DANE.*not validated") as caught:
        gate(Intent.USE)
    assert caught.value.shortfalls == {Shortfall.CERTIFICATE, Shortfall.NO_DANE}


def test_a_session_without_tls_is_in_cleartext_whatever_its_policy() -> None:
    assert phase(Policy(), None) is Phase.CLEARTEXT
    assert phase(no_minimum(), None) is Phase.CLEARTEXT


def test_an_account_without_a_minimum_is_below_it_when_the_certificate_is_not_validated() -> None:
    assert phase(no_minimum(), UNVALIDATED_PROOF) is Phase.BELOW_MINIMUM


def test_a_session_that_meets_its_minimum_is_secured() -> None:
    assert phase(Policy(), GOOD_PROOF) is Phase.SECURED
