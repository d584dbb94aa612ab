"""Answers that somebody has tampered with, or made so that they cost much, in a signed world."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.RRSIG
import dns.rrset
import pytest
from dns.rcode import Rcode
from dns.rdatatype import CNAME, DNAME, DNSKEY, DS, NSEC, NSEC3, RRSIG, SOA, RdataType

from securemail import DNSSEC, DiscoveryError, DiscoveryReason
from tests.discovery.worlds import Change, answers, changing, find, question, world

KeyRecord = dns.rdtypes.ANY.DNSKEY.DNSKEY
Signature = dns.rdtypes.ANY.RRSIG.RRSIG


def without(*types: RdataType) -> Change:
    """Leave out all records of these types."""

    def change(message: dns.message.Message) -> None:
        for section in (message.answer, message.authority):
            section[:] = [each for each in section if each.rdtype not in types]

    return change


def unsigned(covered: RdataType) -> Change:
    """Leave out the signatures on one type."""

    def change(message: dns.message.Message) -> None:
        for section in (message.answer, message.authority):
            section[:] = [each for each in section if each.covers != covered]

    return change


def one_more(message: dns.message.Message) -> None:
    """Add a proof that is not needed, as it would stand in the zone, but without its signature."""
    zone = world().zones[dns.name.from_text("nsec3.test")]
    needed = {rrset.name for rrset in message.authority}
    more = [owner for owner, rdtype in zone.records if rdtype == NSEC3 and owner not in needed]
    message.authority.append(zone.records[more[0], NSEC3])


def two_proofs(message: dns.message.Message) -> None:
    """Leave out what proves that there is no wildcard: the last NSEC3, and its signature."""
    last = [each for each in message.authority if each.rdtype == NSEC3][-1].name
    message.authority[:] = [each for each in message.authority if each.name != last]


def saying(rcode: Rcode) -> Change:
    return lambda message: message.set_rcode(rcode)


def alias(owner: str, kind: str = "CNAME") -> Change:
    made = dns.rrset.from_text(owner, 300, "IN", kind, "mail.unsigned.test.")
    return lambda message: message.answer.append(made)


def forging(message: dns.message.Message) -> None:
    message.answer[0] = dns.rrset.from_text(message.answer[0].name, 300, "IN", "A", "127.66.6.6")


def replaying(true: str) -> Change:
    """Say what is true of another name."""

    def change(message: dns.message.Message) -> None:
        other = answers(question(true))
        message.answer[:], message.authority[:] = other.answer, other.authority
        message.set_rcode(other.rcode())

    return change


OPTED_OUT = "x.wild.card.optout.test A"
MAIL = "mail.nsec.test A"
NOPE = "nope.nsec.test A"
NOPE3 = "nope.nsec3.test A"
CARD = "x.card.nsec.test A"
CARD3 = "x.card.nsec3.test A"
ZONE = "nsec.test DS"
KEYS = "nsec.test DNSKEY"
NO_MX3 = "mail.nsec3.test MX"
# What is asked for, which answer is changed, and how.
BOGUS: dict[str, tuple[str, str, Change]] = {
    "a record is another": (MAIL, MAIL, forging),
    "signatures are stripped": (MAIL, MAIL, without(RRSIG)),
    "an alias has no signature": ("alias.nsec.test A", "alias.nsec.test A", unsigned(CNAME)),
    "a DNAME has no signature": ("x.dname.nsec.test A", "x.dname.nsec.test A", unsigned(DNAME)),
    "an absence has no NSEC": (NOPE, NOPE, without(NSEC)),
    "an absence has no NSEC3": (NOPE3, NOPE3, without(NSEC3)),
    "an absence has an NSEC without signature": (NOPE, NOPE, unsigned(NSEC)),
    "an absence has a SOA without signature": (
        NOPE,
        NOPE,
        unsigned(SOA),
    ),
    "an absence is that of another name": (
        MAIL,
        MAIL,
        replaying(NOPE),
    ),
    "an absence is that of another hash": (
        "mail.nsec3.test A",
        "mail.nsec3.test A",
        replaying(NOPE3),
    ),
    "an absence is that of another zone": (
        MAIL,
        MAIL,
        replaying("nope.safe.optout.test A"),
    ),
    "a wildcard may be closer (NSEC)": (CARD, CARD, without(NSEC)),
    "a wildcard may be closer (NSEC3)": (
        CARD3,
        CARD3,
        without(NSEC3),
    ),
    "a DS is gone without proof": (MAIL, ZONE, without(DS, RRSIG)),
    "a DS is not signed": (MAIL, ZONE, unsigned(DS)),
    "an absence of DS is not proved": (
        "mail.unsigned.test A",
        "unsigned.test DS",
        without(NSEC, RRSIG),
    ),
    "a proof too many is not signed": (NOPE3, NOPE3, one_more),
    "opt-out and NXDOMAIN, but no word of a wildcard": (OPTED_OUT, OPTED_OUT, two_proofs),
    "the keys are gone": (MAIL, KEYS, without(DNSKEY)),
    "the keys are not signed": (MAIL, KEYS, unsigned(DNSKEY)),
    "a name is there and is not": (MAIL, MAIL, saying(Rcode.NXDOMAIN)),
    "a zone is there and is not": (MAIL, ZONE, saying(Rcode.NXDOMAIN)),
    "no name, and yet no NXDOMAIN (NSEC)": (
        NOPE,
        NOPE,
        saying(Rcode.NOERROR),
    ),
    "no name, and yet no NXDOMAIN (NSEC3)": (
        NOPE3,
        NOPE3,
        saying(Rcode.NOERROR),
    ),
    "a name, and yet NXDOMAIN (NSEC3)": (
        NO_MX3,
        NO_MX3,
        saying(Rcode.NXDOMAIN),
    ),
    "a name has records and a CNAME": (
        MAIL,
        MAIL,
        alias("mail.nsec.test."),
    ),
    "a zone has a DS and a CNAME": (
        MAIL,
        ZONE,
        alias("nsec.test."),
    ),
    "a zone has a DS and a DNAME above": (
        MAIL,
        ZONE,
        alias("test.", "DNAME"),
    ),
    "a zone has keys and a CNAME": (
        MAIL,
        KEYS,
        alias("nsec.test."),
    ),
}


@pytest.mark.parametrize("what", BOGUS)
def test_what_does_not_hang_together_is_bogus(what: str) -> None:
    asked, changed, change = BOGUS[what]
    name, rdtype = asked.split()
    with pytest.raises(DiscoveryError) as caught:
        find(name, rdtype, changing(changed, change))
    assert caught.value.reason is DiscoveryReason.BOGUS


def test_a_name_below_which_there_are_others_may_be_said_not_to_be_there() -> None:
    """Servers with NSEC are known that say so; the proof is what counts."""
    answer = changing("inside.nsec.test A", saying(Rcode.NXDOMAIN))
    assert find("inside.nsec.test.", answer=answer).dnssec is DNSSEC.SECURE


def test_an_absence_holds_no_longer_than_its_soa_says() -> None:
    def shortly(message: dns.message.Message) -> None:
        for rrset in message.authority:
            if rrset.rdtype == SOA or rrset.covers == SOA:
                rrset.ttl = 7

    assert find("nope.nsec.test.", answer=changing("nope.nsec.test A", shortly)).ttl_s == 7


def test_records_of_another_type_are_not_those_that_were_asked_for() -> None:
    """An unsigned zone says TXT where A was asked for: that is no A."""

    def wrong(message: dns.message.Message) -> None:
        message.answer[:] = [dns.rrset.from_text("mail.unsigned.test.", 300, "IN", "TXT", '"A"')]

    found = find("mail.unsigned.test.", answer=changing("mail.unsigned.test A", wrong))
    assert found.records == ()
    assert found.dnssec is DNSSEC.INSECURE
