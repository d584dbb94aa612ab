"""From a plan to an account: what is taken, what a person must accept, and what is warned of."""

from __future__ import annotations

import warnings

import pytest

from securemail import (
    ConfidentialityWarning,
    ConfirmationRequired,
    DiscoveryError,
    Password,
    Service,
    TLSMode,
    UsageError,
)
from securemail.discovery.finding import Finding
from securemail.records import DNSSEC
from tests.discovery.records import ADDRESS, plan, planned, server
from tests.values import no_minimum

GOOD = server("mail.example.org")
DOUBTFUL = server("mail.example.net")
PLAIN = server("plain.example.org", TLSMode.NONE)
SENDING = server("smtp.example.org", service=Service.SUBMISSION)
PLAIN_SENDING = server("smtp.example.org", TLSMode.NONE, Service.SUBMISSION)


def test_the_account_has_the_best_server_of_each_service() -> None:
    credentials = Password("alice", "secret")
    account = planned(GOOD, SENDING).account(credentials=credentials)
    assert account.address == ADDRESS
    assert account.imap == GOOD.endpoint
    assert account.pop3 is None
    assert account.submission == SENDING.endpoint
    assert account.credentials is credentials


def test_a_host_that_nobody_vouches_for_is_not_taken_unconfirmed() -> None:
    with pytest.raises(ConfirmationRequired) as caught:
        planned(DOUBTFUL, server("smtp.example.net", service=Service.SUBMISSION)).account()
    assert caught.value.hosts == ("mail.example.net", "smtp.example.net")


@pytest.mark.parametrize("confirm", ["mail.example.net", "MAIL.Example.Net.", "mail.example.net."])
def test_a_host_that_a_person_has_confirmed_is_taken(confirm: str) -> None:
    assert planned(DOUBTFUL).account(confirm=[confirm]).imap == DOUBTFUL.endpoint


def test_a_confirmation_is_for_the_very_host() -> None:
    with pytest.raises(ConfirmationRequired):
        planned(DOUBTFUL).account(confirm=["example.net", "x.mail.example.net", "ample.net"])


def test_a_host_in_another_script_is_confirmed_in_either_form() -> None:
    doubtful = planned(server("bücher.example"))
    assert doubtful.account(confirm=["bücher.example"]).imap
    assert doubtful.account(confirm=["xn--bcher-kva.example"]).imap
    with pytest.raises(ConfirmationRequired) as caught:
        doubtful.account()
    # Shown as it is, and not as whatever it may look like.
    assert caught.value.hosts == ("xn--bcher-kva.example",)


@pytest.mark.parametrize("confirm", ["mail.example.net", ["not a host"], [""]])
def test_what_confirms_nothing_is_the_callers_mistake(confirm: object) -> None:
    with pytest.raises(UsageError) as caught:
        planned(DOUBTFUL).account(confirm=confirm)  # type: ignore[arg-type]  # any iterable will do
    assert caught.value.field == "confirm"


def test_a_doubtful_server_of_a_service_that_is_not_wanted_is_not_asked_about() -> None:
    both = planned(GOOD, server("pop.example.net", service=Service.POP3))
    assert both.account(services=[Service.IMAP]).pop3 is None
    with pytest.raises(ConfirmationRequired):
        both.account()


def test_a_server_without_tls_is_not_taken_as_long_as_any_with_tls_is_advertised() -> None:
    account = planned(PLAIN, SENDING, policy=no_minimum()).account()
    assert account.imap is None
    assert account.submission == SENDING.endpoint


def test_a_doubtful_server_with_tls_is_asked_about_and_not_passed_over_for_one_without() -> None:
    with pytest.raises(ConfirmationRequired):
        planned(PLAIN, DOUBTFUL, policy=no_minimum()).account()


def test_where_nothing_has_tls_the_account_says_so_in_words() -> None:
    found = planned(PLAIN, PLAIN_SENDING, policy=no_minimum())
    with pytest.warns(ConfidentialityWarning) as caught:
        account = found.account()
    assert account.imap == PLAIN.endpoint
    assert "plain.example.org:993, smtp.example.org:993" in str(caught[0].message)
    assert "likely be read by others" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_who_insists_on_a_server_without_tls_gets_it_with_the_warning() -> None:
    found = planned(GOOD, PLAIN, policy=no_minimum())
    bare = found.candidates(Service.IMAP)[1]
    with pytest.warns(ConfidentialityWarning, match=r"neither the password nor any message"):
        assert found.account(insist=[bare]).imap == PLAIN.endpoint


def test_nobody_can_insist_on_a_server_below_the_minimum() -> None:
    found = planned(GOOD, PLAIN)
    with pytest.raises(UsageError) as caught:
        found.account(insist=[found.candidates(Service.IMAP)[1]])
    assert caught.value.field == "insist"


def test_insisting_does_not_confirm() -> None:
    found = planned(GOOD, DOUBTFUL)
    doubtful = found.candidates(Service.IMAP)[1]
    with pytest.raises(ConfirmationRequired):
        found.account(insist=[doubtful])
    account = found.account(insist=[doubtful], confirm=["mail.example.net"])
    assert account.imap == DOUBTFUL.endpoint


def test_what_is_insisted_on_is_in_the_plan_and_once_for_each_service() -> None:
    found = planned(GOOD, server("other.example.org"))
    stranger = planned(server("stranger.example.org")).candidates(Service.IMAP)[0]
    for insist in ([stranger], list(found.candidates(Service.IMAP))):
        with pytest.raises(UsageError) as caught:
            found.account(insist=insist)
        assert caught.value.field == "insist"


def test_with_nothing_to_take_the_error_says_what_there_was() -> None:
    with pytest.raises(DiscoveryError, match="no server was found"):
        planned().account()
    with pytest.raises(DiscoveryError, match=r"plain\.example\.org:993"):
        planned(PLAIN).account()


def test_what_was_withdrawn_is_not_taken_and_cannot_be_insisted_on() -> None:
    found = plan(
        Finding(source="SRV", not_offered=frozenset({Service.IMAP})),
        Finding(source="guess", servers=(GOOD,)),
    )
    with pytest.raises(DiscoveryError):
        found.account()
    with pytest.raises(UsageError):
        found.account(insist=found.found)


def test_a_good_plan_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        secure = server("mail.example.net", dnssec=DNSSEC.SECURE)
        assert planned(secure, SENDING).account().imap == secure.endpoint
