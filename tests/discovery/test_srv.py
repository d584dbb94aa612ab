"""SRV records in the order of RFC 2782, as the servers of a domain."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import Service, TLSMode, limits
from securemail.discovery.srv import LABELS, in_order, labels_of, servers_in
from securemail.records import DNSSEC, SRVRecord
from tests.discovery.records import DOMAIN, answer, lowest, srv

NUMBERS = st.integers(0, 65535)
TARGETS = st.sampled_from([".", "", "a.example.org", "b.example.net", "192.0.2.1", "-", "a b", "é"])
RECORDS = st.lists(
    st.builds(SRVRecord, NUMBERS, NUMBERS, NUMBERS, TARGETS | st.text(max_size=20)), max_size=12
)


def test_each_service_and_mode_has_its_label() -> None:
    assert {label: (row.service, row.tls) for label, row in LABELS.items()} == {
        "_imaps._tcp": (Service.IMAP, TLSMode.IMPLICIT),
        "_imap._tcp": (Service.IMAP, TLSMode.STARTTLS),
        "_pop3s._tcp": (Service.POP3, TLSMode.IMPLICIT),
        "_pop3._tcp": (Service.POP3, TLSMode.STARTTLS),
        "_submissions._tcp": (Service.SUBMISSION, TLSMode.IMPLICIT),
        "_submission._tcp": (Service.SUBMISSION, TLSMode.STARTTLS),
    }


def test_only_the_labels_of_the_wanted_services_are_asked_for() -> None:
    assert labels_of([Service.POP3]) == ("_pop3s._tcp", "_pop3._tcp")


@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_is_a_permutation_by_priority(
    records: list[SRVRecord], rng: random.Random
) -> None:
    ordered = in_order(records, lambda n: rng.randint(0, n))
    assert Counter(ordered) == Counter(records)
    priorities = [record.priority for record in ordered]
    assert priorities == sorted(priorities)


def test_weights_are_the_odds_of_coming_first() -> None:
    rng = random.Random(2782)
    heavy, light = srv("heavy", weight=75), srv("light", weight=25)
    first = Counter(in_order([light, heavy], lambda n: rng.randint(0, n))[0] for _ in range(4000))
    assert 0.72 < first[heavy] / 4000 < 0.78


def test_a_weight_of_zero_still_has_a_small_chance() -> None:
    zero, some = srv("zero", weight=0), srv("some", weight=9)
    assert in_order([some, zero], lambda n: 0)[0] == zero
    assert in_order([some, zero], lambda n: n)[0] == some
    assert in_order([some, zero], lambda n: min(n, 1))[0] == some


def test_the_draw_is_over_the_sum_of_the_weights_that_are_left() -> None:
    asked: list[int] = []

    def draw(n: int) -> int:
        asked.append(n)
        return n

    in_order([srv("a", weight=1), srv("b", weight=2), srv("c", weight=4)], draw)
    assert asked == [7, 3, 1]


def test_a_hundred_records_are_ordered_and_more_than_the_bound_lose_the_worst() -> None:
    many = [srv(f"h{n}.example.org", priority=n) for n in reversed(range(limits.SRV_RECORDS + 50))]
    ordered = in_order(many, lowest)
    assert [record.priority for record in ordered] == list(range(limits.SRV_RECORDS))
    assert len(in_order(many[:100], lowest)) == 100


def test_at_equal_priority_implicit_tls_comes_before_starttls() -> None:
    found = servers_in(
        {
            "_imap._tcp": answer(srv("b.example.org", 0, 9, 143), srv("a.example.org", 5, 0, 143)),
            "_imaps._tcp": answer(srv("c.example.org", 0), srv("d.example.org", 7)),
        },
        DOMAIN,
        lowest,
    )
    hosts = [server.endpoint.host[0] for server in found.servers]
    assert hosts == ["c", "b", "a", "d"]
    assert [server.preference for server in found.servers] == [0, 1, 2, 3]


def test_a_server_knows_the_domain_whose_srv_record_led_to_it() -> None:
    found = servers_in({"_imaps._tcp": answer(srv("MAIL.example.net."))}, DOMAIN, lowest)
    (server,) = found.servers
    assert server.endpoint.host == "mail.example.net"
    assert server.endpoint.srv_domain == DOMAIN
    assert server.service is Service.IMAP
    assert server.dnssec is DNSSEC.INSECURE


def test_each_answer_keeps_its_own_standing() -> None:
    found = servers_in(
        {
            "_imaps._tcp": answer(srv("a.example.net"), dnssec=DNSSEC.SECURE),
            "_imap._tcp": answer(srv("b.example.net"), dnssec=DNSSEC.INSECURE),
        },
        DOMAIN,
        lowest,
    )
    assert [server.dnssec for server in found.servers] == [DNSSEC.SECURE, DNSSEC.INSECURE]


def test_the_target_dot_means_not_offered() -> None:
    found = servers_in(
        {"_pop3s._tcp": answer(srv(".", port=0)), "_pop3._tcp": answer()}, DOMAIN, lowest
    )
    assert found.not_offered == {Service.POP3}
    assert not found.servers
    assert any("_pop3s._tcp.example.org" in note for note in found.notes)


def test_one_mode_that_is_not_offered_leaves_the_other() -> None:
    found = servers_in(
        {"_imaps._tcp": answer(srv("a.example.org")), "_imap._tcp": answer(srv("."))},
        DOMAIN,
        lowest,
    )
    assert not found.not_offered
    assert len(found.servers) == 1


@pytest.mark.parametrize("target", ["192.0.2.1.", "_x.example.org", "", "a..b", "127.1", "a b"])
def test_a_target_that_is_no_host_is_noted_and_left_out(target: str) -> None:
    found = servers_in(
        {"_imaps._tcp": answer(srv(target), srv("ok.example.org", 9))}, DOMAIN, lowest
    )
    assert [server.endpoint.host for server in found.servers] == ["ok.example.org"]
    assert len(found.notes) == 1


def test_port_zero_is_noted_and_left_out() -> None:
    found = servers_in({"_imaps._tcp": answer(srv("a.example.org", port=0))}, DOMAIN, lowest)
    assert not found.servers
    assert "0 is not a port" in found.notes[0]


@given(st.dictionaries(st.sampled_from(list(LABELS)), RECORDS), st.randoms(use_true_random=False))
def test_any_records_give_a_finding(
    records: dict[str, list[SRVRecord]], rng: random.Random
) -> None:
    answers = {label: answer(*some) for label, some in records.items()}
    found = servers_in(answers, DOMAIN, lambda n: rng.randint(0, n))
    assert all(note.isprintable() for note in found.notes)
    assert all(server.endpoint.srv_domain == DOMAIN for server in found.servers)
    assert not found.not_offered & {server.service for server in found.servers}
