"""One answer of a signed world, to be changed. No I/O here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import dns.exception
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.name import Name
from dns.rdatatype import RRSIG, RdataType

from securemail.discovery.dnssec import Question
from securemail.testing.dns.authority import Authority
from securemail.testing.dns.zone import Zone, rrset_of, signers_of

Section = list[dns.rrset.RRset]


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to change, what is done to it, and the dice that it is done with.

    `honest` gives other answers of the world, to take proofs and records from.
    """

    message: dns.message.Message
    world: Authority
    honest: Callable[[Question], dns.message.Message]
    dice: Random

    @property
    def sections(self) -> list[Section]:
        """The parts of the message that a validator reads."""
        return [self.message.answer, self.message.authority]

    def pick(self, *types: RdataType) -> tuple[Section, dns.rrset.RRset] | None:
        """Return any set of records of these types (none: of any), and its section."""
        found = [
            (section, rrset)
            for section in self.sections
            for rrset in section
            if not types or rrset.rdtype in types
        ]
        return self.dice.choice(found) if found else None

    def pick_signed(self, *types: RdataType) -> tuple[Section, dns.rrset.RRset, Zone] | None:
        """Return any set that has a signature, and the zone that signed it."""
        found = [
            (section, rrset, self.world.zones[signature[0].signer])
            for section in self.sections
            for rrset in section
            for signature in section
            if rrset.rdtype != RRSIG and (not types or rrset.rdtype in types)
            if is_on(signature, rrset)
        ]
        return self.dice.choice(found) if found else None


def sign(
    case: Case, rrset: dns.rrset.RRset, zone: Zone, *, times: tuple[int, int] | None = None
) -> None:
    """Let `zone` sign a set, in the place of the signatures that it has."""
    for section in case.sections:
        for signature in [each for each in section if is_on(each, rrset)]:
            labels = signature[0].labels
            source = rrset
            if labels < len(rrset.name) - 1 - rrset.name.is_wild():
                wild = Name((b"*", *rrset.name.labels[-labels - 1 :]))
                source = rrset_of(wild, *rrset, ttl=rrset.ttl)
            signers = signers_of(zone.signing.keys, rrset.rdtype)
            period = times or (zone.signing.inception, zone.signing.expiration)
            made = [key.sign(source, zone.name, times=period) for key in signers]
            section[section.index(signature)] = rrset_of(rrset.name, *made, ttl=rrset.ttl)


def is_on(signature: dns.rrset.RRset, rrset: dns.rrset.RRset) -> bool:
    is_signature = signature.rdtype == RRSIG and signature.covers == rrset.rdtype
    return is_signature and bool(signature.name == rrset.name)


def remove(section: Section, rrset: dns.rrset.RRset) -> None:
    for each in [each for each in section if each is rrset or is_on(each, rrset)]:
        section.remove(each)


def replace(
    section: Section, rrset: dns.rrset.RRset, old: dns.rdata.Rdata, new: dns.rdata.Rdata
) -> None:
    """Put a record in the place of another; a signature may be on another type then."""
    rrset.items.pop(old)
    if rrset.rdtype != RRSIG:
        rrset.add(new)
        return
    if not rrset:
        section.remove(rrset)
    section.append(rrset_of(rrset.name, new, ttl=rrset.ttl))
