"""Answers of a signed world with one thing wrong, by the number of a seed. No I/O here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import dns.exception
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdatatype import DNSKEY, DS, NSEC, NSEC3, RRSIG, A, RdataType
from dns.rdtypes.ANY.NSEC import Bitmap

from securemail.discovery.dnssec import Question
from securemail.testing.dns.authority import cover_nsec3, put
from securemail.testing.dns.zone import DAY_S
from tests.servers.case import Case, is_on, remove, replace, sign
from tests.servers.zones import NAMES, NOW, TYPES, name


def drop_signature(case: Case) -> None:
    if found := case.pick(RRSIG):
        found[0].remove(found[1])


def drop_records(case: Case) -> None:
    """Leave out a set that is there, with its signatures."""
    if found := case.pick_signed():
        remove(found[0], found[1])


def drop_denial(case: Case) -> None:
    if found := case.pick(NSEC, NSEC3):
        found[0].remove(found[1])


def strip(case: Case) -> None:
    """Take out whatever DNSSEC has put in."""
    for section in case.sections:
        section[:] = [each for each in section if each.rdtype not in (RRSIG, NSEC, NSEC3)]


def empty(case: Case) -> None:
    case.message.answer.clear()
    if case.dice.random() < 0.5:
        case.message.authority.clear()


def turn_rcode(case: Case) -> None:
    is_there = case.message.rcode() == dns.rcode.NOERROR
    case.message.set_rcode(dns.rcode.NXDOMAIN if is_there else dns.rcode.NOERROR)


def flip(case: Case) -> None:
    """Change one bit of a record: an address, a digest, a signature, a time, a name."""
    if found := case.pick():
        section, rrset = found
        record = case.dice.choice(list(rrset))
        wire = bytearray(record.to_wire())
        wire[case.dice.randrange(len(wire))] ^= 1 << case.dice.randrange(8)
        rdclass, rdtype = rrset.rdclass, rrset.rdtype
        try:
            changed = dns.rdata.from_wire(rdclass, rdtype, bytes(wire), 0, len(wire))
        except dns.exception.DNSException:
            return
        replace(section, rrset, record, changed)


def flip_signature(case: Case) -> None:
    if found := case.pick(RRSIG):
        section, rrset = found
        record = rrset[0]
        bits = bytearray(record.signature)
        bits[case.dice.randrange(len(bits))] ^= 1 << case.dice.randrange(8)
        replace(section, rrset, record, record.replace(signature=bytes(bits)))


def change_ttl(case: Case) -> None:
    if found := case.pick():
        found[1].ttl = case.dice.choice([0, 1, 299, 301, 86400, 2**31 - 1])


def rename(case: Case) -> None:
    """Give a set, with or without its signatures, another owner."""
    if found := case.pick():
        section, rrset = found
        other = name(case.dice.choice(NAMES), str(case.world.zone_of(rrset.name).name))
        moved = [rrset]
        if case.dice.random() < 0.5:
            moved += [each for each in section if is_on(each, rrset)]
        for each in moved:
            each.name = other


def retype(case: Case) -> None:
    """Let a signature be for another type, algorithm, key, zone, or number of labels."""
    if found := case.pick(RRSIG):
        section, rrset = found
        record = rrset[0]
        changes: list[dict[str, object]] = [
            {"type_covered": A},
            {"algorithm": case.dice.choice([5, 8, 13, 15, 250])},
            {"key_tag": (record.key_tag + case.dice.choice([1, 256])) % 65536},
            {"labels": case.dice.choice([0, max(0, record.labels - 1), record.labels + 1])},
            {"signer": case.dice.choice(list(case.world.zones))},
            {"original_ttl": record.original_ttl + 1},
        ]
        replace(section, rrset, record, record.replace(**case.dice.choice(changes)))


def sign_at_another_time(case: Case) -> None:
    """Sign a set anew, rightly, but for a time that is over or is still to come."""
    if found := case.pick_signed():
        _, rrset, zone = found
        shift = case.dice.choice([-60 * DAY_S, -21 * DAY_S, 11 * DAY_S, 40 * DAY_S])
        times = (NOW - 10 * DAY_S + shift, NOW + 20 * DAY_S + shift)
        sign(case, rrset, zone, times=times)


def add_record(case: Case) -> None:
    """Add a record to a set; half of the times the zone itself does it."""
    if found := case.pick_signed(A, DS, DNSKEY):
        _, rrset, zone = found
        match rrset.rdtype:
            case dns.rdatatype.A:
                rrset.add(dns.rdata.from_text("IN", "A", "127.66.6.6"))
            case _:
                record = rrset[0]
                rrset.add(record.replace(algorithm=case.dice.choice([1, 8, 15, 250])))
        if case.dice.random() < 0.5:
            sign(case, rrset, zone)


def change_proof(case: Case) -> None:
    """Let the zone itself sign another NSEC or NSEC3: other types, another span, other flags."""
    if found := case.pick_signed(NSEC, NSEC3):
        section, rrset, zone = found
        record = rrset[0]
        every = Bitmap([(0, b"\xff" * 8)])
        changes: list[dict[str, object]] = [{"windows": ()}, {"windows": every.windows}]
        if rrset.rdtype == NSEC3:
            bits = bytearray(record.next)
            bits[0] ^= 0x80
            changes += [
                {"flags": record.flags ^ 1},
                {"flags": 2},
                {"iterations": case.dice.choice([1, 151, 2500])},
                {"salt": b"other"},
                {"algorithm": 2},
                {"next": bytes(bits)},
            ]
        else:
            changes += [{"next": name(each, str(zone.name))} for each in ("@", "zz", "a.mail")]
            changes += [{"next": name("other.test.")}]
        replace(section, rrset, record, record.replace(**case.dice.choice(changes)))
        sign(case, rrset, zone)


def change_delegation(case: Case) -> None:
    """Let the parent sign another DS: of another key, algorithm or kind of digest."""
    if found := case.pick_signed(DS):
        section, rrset, zone = found
        record = rrset[0]
        changes: list[dict[str, object]] = [
            {"algorithm": case.dice.choice([5, 8, 13, 15, 250])},
            {"digest_type": 3},
            {"key_tag": (record.key_tag + 1) % 65536},
            {"digest": bytes(len(record.digest))},
        ]
        replace(section, rrset, record, record.replace(**case.dice.choice(changes)))
        sign(case, rrset, zone)


def replay(case: Case) -> None:
    """Say of this name what is true of another one of the zone, or of another zone."""
    asked = case.message.question[0]
    zone = case.world.zone_of(asked.name).name
    if case.dice.random() < 0.3:
        zone = case.dice.choice(list(case.world.zones))
    rdtype = RdataType.make(case.dice.choice([*TYPES, dns.rdatatype.to_text(asked.rdtype)]))
    other = case.honest(Question(name(case.dice.choice(NAMES), str(zone)), rdtype))
    case.message.set_rcode(other.rcode())
    if case.dice.random() < 0.6:
        case.message.answer[:] = other.answer
    case.message.authority[:] = other.authority


def swap_denial(case: Case) -> None:
    """Put another NSEC or NSEC3 of the zone, with its signature, in the place of one."""
    if found := case.pick_signed(NSEC, NSEC3):
        section, rrset, zone = found
        remove(section, rrset)
        owners = sorted(owner for owner, rdtype in zone.records if rdtype == rrset.rdtype)
        put(section, zone, case.dice.choice(owners), rrset.rdtype)


def expand_a_wildcard(case: Case) -> None:
    """Answer from the wildcard, without the proof that nothing is closer, or with another's."""
    asked = case.message.question[0]
    zone = case.world.zone_of(asked.name)
    source = name("*.card", str(zone.name))
    if (source, asked.rdtype) in zone.records:
        case.message.answer.clear()
        put(case.message.answer, zone, source, asked.rdtype, as_name=asked.name)
        if case.dice.random() < 0.5:
            case.message.authority.clear()
        if zone.has_nsec3 and case.dice.random() < 0.5:
            cover_nsec3(case.message, zone, asked.name)


def add_signatures(case: Case) -> None:
    """Put signatures that are wrong beside the right one, few or many."""
    if found := case.pick(RRSIG):
        record = found[1][0]
        for number in range(case.dice.choice([1, 2, 3, 40])):
            wrong = bytes([number + 1]) * len(record.signature)
            found[1].add(record.replace(signature=wrong))


def insert_alias(case: Case) -> None:
    """Say that the name is an alias, which nobody has signed."""
    asked = case.message.question[0]
    target = case.dice.choice(["mail.nsec.test.", "mail.unsigned.test.", "nope.nsec3.test."])
    owner = asked.name.parent() if case.dice.random() < 0.3 else asked.name
    kind = "DNAME" if owner != asked.name else "CNAME"
    alias = dns.rrset.from_text(owner, 300, "IN", kind, target)
    if case.dice.random() < 0.7:
        case.message.answer.clear()
    case.message.answer.insert(0, alias)


MUTATIONS: Final[tuple[Callable[[Case], None], ...]] = (
    drop_signature,
    drop_records,
    drop_denial,
    strip,
    empty,
    turn_rcode,
    flip,
    flip_signature,
    change_ttl,
    rename,
    retype,
    sign_at_another_time,
    add_record,
    change_proof,
    change_delegation,
    replay,
    swap_denial,
    expand_a_wildcard,
    add_signatures,
    insert_alias,
)
