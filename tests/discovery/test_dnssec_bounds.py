"""Answers made so that they cost much: what one look-up does at most (KeyTrap and others)."""

from __future__ import annotations

from typing import cast

import dns.message
import dns.name
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.RRSIG
import pytest
from dns.rdatatype import NSEC, NSEC3, A

from securemail import DNSSEC, DiscoveryError, DiscoveryReason, limits
from securemail.discovery.dnssec import Question
from securemail.discovery.dnssec_nsec3 import denial_by_nsec3, hashed_links
from securemail.discovery.dnssec_signature import Zone, verified
from securemail.discovery.inspection import Inspection
from securemail.testing.dns.keys import Key
from securemail.testing.dns.zone import rrset_of
from tests.discovery.worlds import NOW, answers, changing, find, question, world

KeyRecord = dns.rdtypes.ANY.DNSKEY.DNSKEY
Signature = dns.rdtypes.ANY.RRSIG.RRSIG


def twins(key: KeyRecord, count: int) -> list[KeyRecord]:
    """Return keys with the tag of `key`: a tag is a sum, and does not mind the order."""
    material = key.key
    turned = [material[2 * place :] + material[: 2 * place] for place in range(count)]
    return [cast("KeyRecord", key.replace(key=each)) for each in turned]


def keytrap(message: dns.message.Message) -> None:
    """CVE-2023-50387: many keys of one tag, signed by the zone itself, and ..."""
    zone = dns.name.from_text("nsec.test.")
    keys = rrset_of(zone, *twins(Key().dnskey(zone), 30))
    signing = world().zones[zone].signing
    made = Key().sign(keys, zone, times=(signing.inception, signing.expiration))
    message.answer[:] = [keys, rrset_of(zone, made)]


def many_signatures(message: dns.message.Message) -> None:
    """... many signatures, none of which any of them has made."""
    records, signatures = message.answer
    genuine = signatures[0]
    wrong = [genuine.replace(signature=each.to_bytes(2, "big") * 32) for each in range(200)]
    message.answer[1] = rrset_of(records.name, *wrong)


def test_many_keys_of_one_tag_and_many_signatures_cost_no_more_than_the_bound() -> None:
    def answer(asked: Question) -> dns.message.Message:
        message = answers(asked)
        if asked == question("nsec.test DNSKEY"):
            keytrap(message)
        if asked == question("mail.nsec.test A"):
            many_signatures(message)
        return message

    with pytest.raises(DiscoveryError, match="more than 8 signatures that do not verify") as caught:
        find("mail.nsec.test.", answer=answer)
    assert caught.value.reason is DiscoveryReason.LIMIT


def test_each_verification_in_vain_is_paid_for() -> None:
    message = answers(question("mail.nsec.test A"))
    many_signatures(message)
    zone = dns.name.from_text("nsec.test.")
    keys = twins(Key().dnskey(zone), 30)
    tag = keys[0].key_id()
    secure = Zone(zone, DNSSEC.SECURE, {(tag, int(keys[0].algorithm)): tuple(keys)})
    signatures = [each for rrset in message.answer for each in rrset if isinstance(each, Signature)]
    inspection = Inspection(NOW)
    with pytest.raises(DiscoveryError):
        verified(message.answer[0], signatures, secure, inspection)
    assert limits.DNS_VERIFICATIONS - inspection.verifications == limits.DNS_FAILURES + 1


def test_each_hash_is_paid_for() -> None:
    """CVE-2023-50868: a name of many labels, each of which is hashed."""
    message = answers(question("nope.nsec3.test A"))
    records = [
        (rrset.name, record)
        for rrset in message.authority
        if rrset.rdtype == NSEC3
        for record in rrset
    ]
    apex = dns.name.from_text("nsec3.test.")
    long_name = dns.name.from_text("a." * 100 + "nsec3.test.")
    inspection = Inspection(NOW, hashes=50)
    hashed = hashed_links(apex, records, inspection)
    assert hashed is not None
    with pytest.raises(DiscoveryError, match="hashes") as caught:
        denial_by_nsec3(long_name, A, hashed)
    assert caught.value.reason is DiscoveryReason.LIMIT
    assert inspection.hashes == -1


def test_proofs_are_read_up_to_the_bound_and_those_behind_it_do_not_count() -> None:
    """An honest answer has three."""

    def buried(message: dns.message.Message) -> None:
        zone = world().zones[dns.name.from_text("nsec.test.")]
        needed = {rrset.name for rrset in message.authority}
        others = [owner for owner, rdtype in zone.records if rdtype == NSEC and owner not in needed]
        for owner in others[: limits.DNS_DENIALS]:
            message.authority.insert(0, zone.signatures[owner, NSEC])
            message.authority.insert(0, zone.records[owner, NSEC])

    with pytest.raises(DiscoveryError) as caught:
        find("nope.nsec.test", answer=changing("nope.nsec.test A", buried))
    assert caught.value.reason is DiscoveryReason.BOGUS


@pytest.mark.parametrize("zone", ["nsec", "unsigned"])
def test_a_chain_of_aliases_ends_at_the_bound(zone: str) -> None:
    """Each alias is genuine or nobody's; it is their number that ends it."""
    asked: list[Question] = []

    def answer(each: Question) -> dns.message.Message:
        asked.append(each)
        return answers(each)

    with pytest.raises(DiscoveryError) as caught:
        find(f"loop.{zone}.test", answer=answer)
    assert caught.value.reason is DiscoveryReason.LIMIT
    assert len(asked) <= limits.DNS_QUESTIONS
