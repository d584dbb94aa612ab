"""Validation in a small world that is signed in memory: what is believed, and how far."""

from __future__ import annotations

import pytest

from securemail import DNSSEC, DiscoveryError, DiscoveryReason
from tests.discovery.worlds import find

SECURE, INSECURE = DNSSEC.SECURE, DNSSEC.INSECURE
# What is asked in every zone, and what is found: how many records, and whether it takes a proof
# that something is not there.
ASKED = [
    ("mail", "A", 1, False),
    ("mail", "AAAA", 1, False),
    ("_993._tcp.mail", "TLSA", 1, False),
    ("_imaps._tcp", "SRV", 1, False),
    ("alias", "A", 1, False),
    ("wild.card", "A", 1, False),
    ("mail.dname", "A", 1, False),
    ("mail", "MX", 0, False),
    ("_tcp.mail", "A", 0, False),
    ("inside", "A", 0, False),
    ("x.card", "A", 1, True),
    ("x.y.card", "A", 1, True),
    ("x.card", "MX", 0, True),
    ("x.away", "A", 1, True),
    ("nope", "A", 0, True),
    ("_1._tcp.mail", "TLSA", 0, True),
    ("below.mail", "A", 0, True),
]
# A zone, and how far what it says can be believed: what is there, and what is not.
ZONES = [
    ("nsec", SECURE, SECURE),
    ("nsec3", SECURE, SECURE),
    ("dear", SECURE, SECURE),
    ("optout", SECURE, INSECURE),
    ("safe.optout", SECURE, SECURE),
    ("child.optout", INSECURE, INSECURE),
    ("unsigned", INSECURE, INSECURE),
    ("below.unsigned", INSECURE, INSECURE),
    ("unsigned.nsec3", INSECURE, INSECURE),
    ("sha1", INSECURE, INSECURE),
    ("strange", INSECURE, INSECURE),
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize(("zone", "present", "absent"), ZONES)
def test_what_is_found_is_graded(
    zone: str, present: DNSSEC, absent: DNSSEC, asked: tuple[str, str, int, bool]
) -> None:
    name, rdtype, count, takes_proof = asked
    found = find(f"{name}.{zone}.test", rdtype)
    assert len(found.records) == count
    assert found.dnssec is (absent if takes_proof else present)
    assert 0 < found.ttl_s <= 300


@pytest.mark.parametrize(("name", "rdtype"), [("mail", "MX"), ("nope", "A"), ("x.card", "A")])
def test_proofs_that_cost_too_many_iterations_leave_a_zone_insecure(name: str, rdtype: str) -> None:
    assert find("mail.costly.test").dnssec is SECURE
    assert find(f"{name}.costly.test", rdtype).dnssec is INSECURE


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("zone", ["expired", "future"])
def test_signatures_count_in_their_time_only(zone: str, asked: tuple[str, str, int, bool]) -> None:
    name, rdtype, *_ = asked
    with pytest.raises(DiscoveryError, match=r"its signature (expired|begins in)") as caught:
        find(f"{name}.{zone}.test", rdtype)
    assert caught.value.reason is DiscoveryReason.BOGUS


@pytest.mark.parametrize("zone", ["nsec", "nsec3", "unsigned"])
def test_aliases_that_go_round_end_in_an_error(zone: str) -> None:
    with pytest.raises(DiscoveryError, match="alias of more than 10 names") as caught:
        find(f"loop.{zone}.test")
    assert caught.value.reason is DiscoveryReason.LIMIT


def test_the_standing_of_an_alias_is_that_of_its_weakest_part() -> None:
    assert find("insecure.nsec.test").dnssec is INSECURE
    assert find("abroad.unsigned.test").dnssec is INSECURE
    assert find("abroad.nsec.test").dnssec is SECURE


def test_a_missing_ds_is_the_parents_word() -> None:
    assert find("nsec.test", "DS").dnssec is SECURE
    assert find("unsigned.test", "DS").records == ()
    assert find("unsigned.test", "DS").dnssec is SECURE
    assert find("child.optout.test", "DS").dnssec is INSECURE
