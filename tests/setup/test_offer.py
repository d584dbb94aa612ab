"""When TLS is offered to an account that has no minimum, and what comes of taking it."""

from __future__ import annotations

import pytest

from securemail import Account, Endpoint, Policy, Service, TLSMode, UsageError
from securemail.policy.confidentiality import confidentiality
from securemail.setup import TLSOffer, tls_offer, with_offers
from tests.values import GOOD_PROOF, UNVALIDATED_PROOF, no_minimum

GOOD = confidentiality(Policy(), GOOD_PROOF)
DOUBTFUL = confidentiality(Policy(), UNVALIDATED_PROOF)
CLEARTEXT = confidentiality(Policy(), None)


def account(tls: TLSMode, policy: Policy | None = None) -> Account:
    return Account(
        "alice@example.org",
        imap=Endpoint("mail.example.org", 143, tls, addresses=["192.0.2.1"]),
        policy=policy or no_minimum(),
    )


def offer(mine: Account, proof: object, *capabilities: str) -> TLSOffer | None:
    return tls_offer(
        mine,
        Service.IMAP,
        confidentiality=proof,  # type: ignore[arg-type]  # what its fields are of
        capabilities=frozenset(capabilities),
    )


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
def test_a_connection_that_met_the_minimum_can_be_asked_for_always(tls: TLSMode) -> None:
    found = offer(account(tls), GOOD)
    assert found is not None
    assert found.endpoint == account(tls).imap
    secured = with_offers(account(tls), [found])
    assert secured.policy == Policy()
    assert secured.policy.has_minimum


@pytest.mark.parametrize("word", ["STARTTLS", "STLS"])
def test_starttls_offered_in_cleartext_is_an_offer_of_the_very_endpoint(word: str) -> None:
    found = offer(account(TLSMode.NONE), CLEARTEXT, "IMAP4REV1", word)
    assert found is not None
    assert found.endpoint == account(TLSMode.STARTTLS).imap
    assert found.endpoint.addresses == ("192.0.2.1",)
    assert with_offers(account(TLSMode.NONE), [found]).policy.has_minimum


def test_what_cannot_be_had_is_not_offered() -> None:
    assert offer(account(TLSMode.NONE), CLEARTEXT, "IMAP4REV1") is None
    assert offer(account(TLSMode.STARTTLS), CLEARTEXT) is None
    assert offer(account(TLSMode.IMPLICIT), DOUBTFUL) is None


def test_an_account_with_a_minimum_has_all_that_could_be_offered() -> None:
    assert offer(account(TLSMode.IMPLICIT, Policy()), GOOD) is None


def test_the_minimum_comes_only_when_all_services_have_tls() -> None:
    both = Account(
        "alice@example.org",
        imap=Endpoint("mail.example.org", 143, TLSMode.NONE),
        submission=Endpoint("mail.example.org", 25, TLSMode.NONE),
        policy=no_minimum(),
    )
    imap = offer(both, CLEARTEXT, "STARTTLS")
    assert imap is not None
    half = with_offers(both, [imap])
    assert half.imap is not None
    assert half.imap.tls is TLSMode.STARTTLS
    assert not half.policy.has_minimum


def test_without_offers_the_account_is_as_it_was() -> None:
    mine = account(TLSMode.NONE)
    assert with_offers(mine, []) == mine


def test_nothing_is_offered_for_a_service_that_the_account_does_not_have() -> None:
    mine = account(TLSMode.IMPLICIT)
    found = tls_offer(mine, Service.POP3, confidentiality=GOOD, capabilities=frozenset())
    assert found is None


def test_an_offer_without_tls_does_not_get_the_minimum() -> None:
    bare = Endpoint("mail.example.org", 143, TLSMode.NONE)
    with pytest.raises(UsageError):
        with_offers(
            account(TLSMode.NONE), [TLSOffer(service=Service.IMAP, endpoint=bare, reason="")]
        )
