"""From a trust anchor down to a zone (RFC 4035 section 5, RFC 6840). No I/O here.

What has to be asked is yielded, and the answer sent in: whoever runs this does the asking.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.DS
import dns.rdtypes.ANY.RRSIG
import dns.rrset
from dns.rcode import Rcode
from dns.rdatatype import CNAME, DNAME, DNSKEY, DS, NSEC, NSEC3, RRSIG, SOA, RdataType

from securemail import limits
from securemail.discovery.dnssec_anchor import Anchors
from securemail.discovery.dnssec_nsec import Denial, Link, denial_by_nsec, nothing_closer_by_nsec
from securemail.discovery.dnssec_nsec3 import (
    HashedLinks,
    denial_by_nsec3,
    hashed_links,
    nothing_closer_by_nsec3,
)
from securemail.discovery.dnssec_signature import (
    Zone,
    label_count,
    secure_zone,
    usable_ds,
    verified,
)
from securemail.discovery.inspection import Inspection, bogus, seconds_until
from securemail.records import DNSSEC

T = TypeVar("T")
DSRecord = dns.rdtypes.ANY.DS.DS
Signature = dns.rdtypes.ANY.RRSIG.RRSIG


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be asked next."""

    name: dns.name.Name
    rdtype: RdataType

    def __str__(self) -> str:
        return f"{self.name} {dns.rdatatype.to_text(self.rdtype)}"


Steps = Generator[Question, dns.message.Message, T]


@dataclass(frozen=True, slots=True)
class Belief:
    """How far to believe something, and for how many seconds."""

    standing: DNSSEC
    ttl_s: int


@dataclass(frozen=True, slots=True)
class Signed:
    """Records with their signatures, as they are in one section of a message."""

    rrset: dns.rrset.RRset
    signatures: tuple[Signature, ...]

    @property
    def signer(self) -> dns.name.Name | None:
        """The zone that the first signature claims, if it can be one."""
        signer = self.signatures[0].signer if self.signatures else None
        return signer if signer is not None and self.rrset.name.is_subdomain(signer) else None


def find(section: list[dns.rrset.RRset], name: dns.name.Name, rdtype: RdataType) -> Signed | None:
    """Return the records of a name and type in a section of a message."""
    for rrset in section:
        if rrset.name == name and rrset.rdtype == rdtype and rrset.rdclass == dns.rdataclass.IN:
            return Signed(rrset, _signatures(section, name, rdtype))
    return None


def alias_of(message: dns.message.Message, name: dns.name.Name) -> Signed | None:
    """Return the DNAME or CNAME by which there is nothing else at a name.

    The DNAME comes first: a CNAME is made of it (RFC 6672 section 3.1).
    """
    for rrset in message.answer:
        if rrset.rdtype == DNAME and name != rrset.name and name.is_subdomain(rrset.name):
            return find(message.answer, rrset.name, DNAME)
    return find(message.answer, name, CNAME)


@dataclass(slots=True)
class Chain:
    """The zones that one look-up comes through."""

    anchors: Anchors
    inspection: Inspection
    _zones: dict[dns.name.Name, Zone] = field(default_factory=dict)

    def ask(self, name: dns.name.Name, rdtype: RdataType) -> Steps[dns.message.Message]:
        """Return the answer to a question.

        Raises: DiscoveryError past the number of questions for one look-up.
        """
        self.inspection.ask()
        return (yield Question(name, rdtype))

    def zone(self, name: dns.name.Name) -> Steps[Zone]:
        """Return the zone that `name` is in, as far as delegations from an anchor are proved.

        An insecure zone ends the walk, whatever is below it.

        Raises: DiscoveryError where a link of the chain is bogus.
        """
        anchor = self.anchors.above(name)
        if anchor is None:
            return Zone(name, DNSSEC.UNCHECKED)
        zone = self._zones.get(anchor)
        if zone is None:
            zone = yield from self._keys(anchor, self.anchors.zones[anchor])
            self._zones[anchor] = zone
        for depth in range(len(anchor) + 1, len(name) + 1):
            if zone.standing is not DNSSEC.SECURE:
                return zone
            child = name.split(depth)[1]
            below = self._zones.get(child)
            if below is None:
                below = yield from self._below(zone, child)
                self._zones[child] = below
            zone = below
        return zone

    def believe(self, signed: Signed, zone: Zone, message: dns.message.Message) -> Belief:
        """Return how far records of a zone can be believed; the message may hold proofs.

        Raises: DiscoveryError where they are bogus.
        """
        rrset = signed.rrset
        if zone.standing is not DNSSEC.SECURE:
            return Belief(zone.standing, rrset.ttl)
        if message.rcode() == Rcode.NXDOMAIN and rrset.rdtype not in (CNAME, DNAME):
            raise bogus(f"the answer has {rrset.name}, and says that there is no such name")
        signature = verified(rrset, signed.signatures, zone, self.inspection)
        standing = DNSSEC.SECURE
        if signature.labels < label_count(rrset.name):
            encloser = rrset.name.split(signature.labels + 1)[1]
            standing = self._nothing_closer(rrset.name, encloser, zone, message)
        return Belief(standing, _ttl(rrset, signature, self.inspection.now))

    def deny(
        self, question: Question, zone: Zone, message: dns.message.Message
    ) -> tuple[Denial, int]:
        """Return the zone's proof that there is nothing, and for how many seconds.

        Raises: DiscoveryError where the message does not prove it.
        """
        proofs = self._proofs(zone, message)
        denial = denial_by_nsec(question.name, question.rdtype, proofs.links, zone.name)
        if denial is None and proofs.hashed is not None:
            denial = denial_by_nsec3(question.name, question.rdtype, proofs.hashed)
        if denial is None or not denial.agrees_with(message.rcode()):
            raise bogus(f"{zone.name} does not prove that there is no {question}")
        return denial, proofs.ttl_s

    def ttl_of_absence(self, zone: Zone, message: dns.message.Message) -> int:
        """Return for how long the SOA lets an absence hold (RFC 2308 section 5).

        Raises: DiscoveryError where it is bogus.
        """
        ttl_s = limits.DNS_TTL_S
        for rrset in message.authority:
            if rrset.rdtype == SOA:
                signatures = _signatures(message.authority, rrset.name, SOA)
                signature = verified(rrset, signatures, zone, self.inspection)
                ttl_s = min(ttl_s, _ttl(rrset, signature, self.inspection.now), rrset[0].minimum)
        return ttl_s

    def _keys(self, name: dns.name.Name, ds_records: Iterable[DSRecord]) -> Steps[Zone]:
        message = yield from self.ask(name, DNSKEY)
        signed = find(message.answer, name, DNSKEY)
        if signed is None or alias_of(message, name):
            raise bogus(f"{name} has a DS but no DNSKEY")
        return secure_zone(signed.rrset, signed.signatures, ds_records, self.inspection)

    def _below(self, zone: Zone, child: dns.name.Name) -> Steps[Zone]:
        """Return the zone that `child`, one label deeper, is in."""
        message = yield from self.ask(child, DS)
        alias = alias_of(message, child)
        if alias is not None:  # the name of a zone has none
            self.believe(alias, zone, message)
            return zone
        signed = find(message.answer, child, DS)
        if signed is not None:
            if message.rcode() == Rcode.NXDOMAIN:
                raise bogus(f"the answer has {child} DS, and says that there is no such name")
            signature = verified(signed.rrset, signed.signatures, zone, self.inspection)
            if signature.labels != label_count(child):
                raise bogus(f"{child} DS: it comes from a wildcard")
            ds_records = usable_ds(ds for ds in signed.rrset if isinstance(ds, DSRecord))
            if not ds_records:
                return Zone(child, DNSSEC.INSECURE)
            return (yield from self._keys(child, ds_records))
        denial, _ = self.deny(Question(child, DS), zone, message)
        if denial.is_delegation or denial.standing is not DNSSEC.SECURE:
            return Zone(child, DNSSEC.INSECURE)
        return zone

    def _nothing_closer(
        self,
        name: dns.name.Name,
        encloser: dns.name.Name,
        zone: Zone,
        message: dns.message.Message,
    ) -> DNSSEC:
        proofs = self._proofs(zone, message)
        if nothing_closer_by_nsec(name, encloser, proofs.links, zone.name):
            return DNSSEC.SECURE
        if proofs.hashed is not None:
            standing = nothing_closer_by_nsec3(name, encloser, proofs.hashed)
            if standing is not None:
                return standing
        raise bogus(f"{zone.name} does not prove that {name} is left to its wildcard")

    def _proofs(self, zone: Zone, message: dns.message.Message) -> _Proofs:
        links: list[Link] = []
        hashed = []
        ttl_s = limits.DNS_TTL_S
        for signed in islice(_denials(message, zone.name), limits.DNS_DENIALS):
            rrset = signed.rrset
            signature = verified(rrset, signed.signatures, zone, self.inspection)
            # What a wildcard says under another name is not said about that name.
            if signature.labels != label_count(rrset.name):
                continue
            ttl_s = min(ttl_s, _ttl(rrset, signature, self.inspection.now))
            if rrset.rdtype == NSEC:
                links += [Link(rrset.name, record) for record in rrset]
            else:
                hashed += [(rrset.name, record) for record in rrset]
        return _Proofs(tuple(links), hashed_links(zone.name, hashed, self.inspection), ttl_s)


@dataclass(frozen=True, slots=True)
class _Proofs:
    links: tuple[Link, ...]
    hashed: HashedLinks | None
    ttl_s: int


def denial_signer(message: dns.message.Message) -> dns.name.Name | None:
    """Return the zone that claims to prove an absence."""
    for rrset in message.authority:
        if rrset.rdtype in (NSEC, NSEC3):
            signed = Signed(rrset, _signatures(message.authority, rrset.name, rrset.rdtype))
            if signed.signer is not None:
                return signed.signer
    return None


def _denials(message: dns.message.Message, apex: dns.name.Name) -> Iterator[Signed]:
    for rrset in message.authority:
        if rrset.rdtype in (NSEC, NSEC3) and rrset.rdclass == dns.rdataclass.IN:
            signed = Signed(rrset, _signatures(message.authority, rrset.name, rrset.rdtype))
            signers = {signature.signer for signature in signed.signatures}
            # A zone further down, which an alias has led through.
            is_others = any(signer.is_subdomain(apex) for signer in signers - {apex})
            if apex in signers:
                yield signed
            elif rrset.name.is_subdomain(apex) and not is_others:
                raise bogus(f"{rrset.name} is in {apex}, which has not signed its proof")


def _signatures(
    section: list[dns.rrset.RRset], name: dns.name.Name, rdtype: RdataType
) -> tuple[Signature, ...]:
    return tuple(
        record
        for rrset in section
        if rrset.rdtype == RRSIG and rrset.covers == rdtype and rrset.name == name
        for record in rrset
        if isinstance(record, Signature)
    )


def _ttl(rrset: dns.rrset.RRset, signature: Signature, now: int) -> int:
    """Return for how long records hold (RFC 4035 section 5.3.3)."""
    return min(rrset.ttl, signature.original_ttl, seconds_until(signature.expiration, now))
