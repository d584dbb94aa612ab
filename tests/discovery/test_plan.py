"""Who is believed, what comes first, and what is only listed."""

from __future__ import annotations

import pytest

from securemail import Endpoint, Policy, Service, TLSMode
from securemail.discovery.finding import Advertised, Finding
from securemail.discovery.srv import servers_in
from securemail.records import DNSSEC
from tests.discovery.records import DOMAIN, answer, lowest, plan, planned, server, srv
from tests.values import no_minimum

PLAIN = server("plain.example.org", TLSMode.NONE)


def hosts(found: tuple[object, ...]) -> list[str]:
    return [each.endpoint.host for each in found]  # type: ignore[attr-defined]  # candidates, whose type is not told


@pytest.mark.parametrize("dnssec", DNSSEC)
@pytest.mark.parametrize(
    ("host", "is_inside"),
    [
        ("example.org", True),
        ("mail.example.org", True),
        ("notexample.org", False),
        ("mail.example.net", False),
        ("example.org.evil.example", False),
        ("192.0.2.1", False),
    ],
)
def test_a_server_is_believed_if_its_records_are_signed_or_it_lies_in_the_domain(
    host: str, is_inside: bool, dnssec: DNSSEC
) -> None:
    (candidate,) = planned(server(host, dnssec=dnssec)).candidates(Service.IMAP)
    assert candidate.usable is (is_inside or dnssec is DNSSEC.SECURE)
    assert candidate.needs_confirmation is not candidate.usable
    assert candidate.dnssec is dnssec
    assert candidate.source == "SRV"
    assert candidate.reasons


@pytest.mark.parametrize("host", ["plain.example.org", "plain.example.net"])
def test_a_server_below_the_minimum_is_ignored_though_it_is_preferred_and_says_why(
    host: str,
) -> None:
    bare = server(host, TLSMode.NONE, dnssec=DNSSEC.SECURE, preference=0)
    found = planned(bare, server("mail.example.org", preference=9)).candidates(Service.IMAP)
    assert hosts(found) == ["mail.example.org", host]
    assert found[1].is_ignored
    assert "below the account's minimum" in str(found[1])


def test_with_reduced_confidentiality_a_server_without_tls_is_usable_and_comes_last() -> None:
    found = planned(PLAIN, server("mail.example.org", preference=9), policy=no_minimum())
    assert hosts(found.candidates(Service.IMAP)) == ["mail.example.org", "plain.example.org"]
    assert found.candidates(Service.IMAP)[1].usable


def test_even_a_doubtful_server_with_tls_comes_before_one_without() -> None:
    found = plan(
        Finding(source="SRV", servers=(PLAIN,)),
        Finding(source="later", servers=(server("mail.example.net"),)),
        policy=no_minimum(),
    )
    assert hosts(found.candidates(Service.IMAP)) == ["mail.example.net", "plain.example.org"]


def test_within_a_source_what_is_believed_comes_first_and_then_its_own_preference() -> None:
    found = planned(
        server("c.example.org", preference=3),
        server("a.example.net", preference=0),
        server("b.example.org", preference=1),
    )
    assert hosts(found.candidates(Service.IMAP)) == [
        "b.example.org",
        "c.example.org",
        "a.example.net",
    ]


def test_a_guess_does_not_come_before_what_the_domain_says() -> None:
    found = plan(
        Finding(source="SRV", servers=(server("mail.provider.example"),)),
        Finding(source="guess", servers=(server("mail.example.org"),)),
    )
    assert [each.source for each in found.candidates(Service.IMAP)] == ["SRV", "guess"]


def test_a_server_that_two_sources_name_is_listed_once_with_both() -> None:
    found = plan(
        Finding(source="SRV", servers=(server("mail.example.org"),)),
        Finding(
            source="autoconfig",
            servers=(
                Advertised(
                    service=Service.IMAP,
                    endpoint=Endpoint("mail.example.org", 993, TLSMode.IMPLICIT),
                    username="alice",
                ),
            ),
        ),
    )
    (only,) = found.candidates(Service.IMAP)
    assert only.source == "SRV"
    assert only.username == "alice"
    assert "autoconfig names it, too" in only.reasons


def test_what_the_domain_does_not_offer_is_not_taken_from_a_later_source() -> None:
    found = plan(
        Finding(source="SRV", not_offered=frozenset({Service.IMAP})),
        Finding(source="guess", servers=(server("mail.example.org"), server("x.example.net"))),
    )
    assert found.not_offered == {Service.IMAP}
    assert all(each.is_ignored for each in found.candidates(Service.IMAP))
    assert "does not offer" in found.candidates(Service.IMAP)[0].reasons[-1]


def test_services_are_kept_apart() -> None:
    found = planned(server("imap.example.org"), server("pop.example.org", service=Service.POP3))
    assert hosts(found.candidates(Service.POP3)) == ["pop.example.org"]
    assert found.candidates(Service.SUBMISSION) == ()


def test_a_plan_in_words_has_each_server_with_its_source_and_its_reasons() -> None:
    records = {"_imaps._tcp": answer(srv("mail.example.org"), srv("mail.example.net", 5))}
    text = str(plan(servers_in(records, DOMAIN, lowest)))
    lines = [line.strip() for line in text.splitlines()]
    assert lines == [
        "alice@example.org:",
        "IMAP:",
        (
            "1. mail.example.org:993, implicit TLS (SRV, usable); _imaps._tcp.example.org names it "
            "with priority 0; it lies in example.org"
        ),
        (
            "2. mail.example.net:993, implicit TLS (SRV, to be confirmed); _imaps._tcp.example.org "
            "names it with priority 5; it lies outside example.org, and nothing signed names it"
        ),
    ]


def test_a_stricter_policy_is_kept_for_the_account() -> None:
    policy = Policy(require_post_quantum=True)
    assert planned(server("mail.example.org"), policy=policy).account().policy is policy
