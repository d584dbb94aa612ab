"""What a resolver that validates nothing would answer, for zones in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from dns.name import Name
from dns.rdatatype import CNAME, DNAME, DS, NS, NSEC, NSEC3, SOA, RdataType

from securemail.testing.dns.zone import Zone, rrset_of, sign


@dataclass(slots=True)
class Authority:
    """All zones of a world, by name."""

    zones: dict[Name, Zone]

    @classmethod
    def of(cls, zones: Iterable[Zone]) -> Authority:
        """Sign the zones from the leaves up: each parent gets NS and DS of its children."""
        world = cls({zone.name: zone for zone in zones})
        for zone in sorted(world.zones.values(), key=lambda zone: -len(zone.name)):
            if zone.name != dns.name.root:
                parent = world.zone_of(zone.name.parent())
                parent.add(rrset_of(zone.name, *zone.records[zone.name, NS]))
                if zone.is_signed:
                    parent.records.setdefault((zone.name, DS), zone.ds())
        for zone in world.zones.values():
            sign(zone)
        return world

    @property
    def anchor(self) -> str:
        """The root's key as a trust anchor."""
        return self.zones[dns.name.root].ds().to_text()

    def zone_of(self, name: Name) -> Zone:
        """Return the zone that `name` is in."""
        above = [zone for zone in self.zones.values() if name.is_subdomain(zone.name)]
        return max(above, key=lambda zone: len(zone.name))

    def answer(self, name: Name, rdtype: RdataType) -> dns.message.Message:
        """Return the answer for one name; the target of an alias is left to be asked for."""
        is_parents = rdtype == DS and name != dns.name.root
        zone = self.zone_of(name.parent() if is_parents else name)
        response = dns.message.make_response(
            dns.message.make_query(name, rdtype, want_dnssec=True), recursion_available=True
        )
        _fill(response, zone, name, rdtype)
        return response


def _fill(response: dns.message.Message, zone: Zone, name: Name, rdtype: RdataType) -> None:
    for depth in range(len(zone.name), len(name)):
        ancestor = name.split(depth)[1]
        if (ancestor, DNAME) in zone.records:
            put(response.answer, zone, ancestor, DNAME)
            return
    names = zone.names()
    if name in names:
        _fill_from(response, zone, name, rdtype)
        return
    encloser = max((each for each in names if name.is_subdomain(each)), key=len, default=zone.name)
    wildcard = Name((b"*", *encloser.labels))
    if wildcard in names:
        _fill_from(response, zone, wildcard, rdtype, alias_of=name)
        deny_existence(response, zone, name, encloser)
    else:
        response.set_rcode(dns.rcode.NXDOMAIN)
        put(response.authority, zone, zone.name, SOA)
        deny_existence(response, zone, name, encloser)
        deny_existence(response, zone, wildcard, encloser)


def _fill_from(
    response: dns.message.Message,
    zone: Zone,
    owner: Name,
    rdtype: RdataType,
    *,
    alias_of: Name | None = None,
) -> None:
    types = zone.types_at(owner)
    found = rdtype if rdtype in types else CNAME if CNAME in types else None
    if found is not None:
        put(response.answer, zone, owner, found, as_name=alias_of)
        return
    put(response.authority, zone, zone.name, SOA)
    if zone.has_nsec3:
        match_nsec3(response, zone, owner)
    elif zone.is_signed:
        put(response.authority, zone, _nsec_owner(zone, owner), NSEC)


def deny_existence(response: dns.message.Message, zone: Zone, name: Name, encloser: Name) -> None:
    """Add the proof that `name` is not there; `encloser` is what is, above it."""
    if zone.has_nsec3:
        match_nsec3(response, zone, encloser)
        cover_nsec3(response, zone, name.split(len(encloser) + 1)[1])
    elif zone.is_signed:
        put(response.authority, zone, _nsec_owner(zone, name), NSEC)


def match_nsec3(response: dns.message.Message, zone: Zone, name: Name) -> None:
    """Add the NSEC3 record of `name` itself (RFC 5155 section 7.2)."""
    owner = zone.hashed_owner(zone.hash(name))
    if (owner, NSEC3) in zone.records:
        put(response.authority, zone, owner, NSEC3)
        return
    # With opt-out: the closest one that is provable, and what covers the next closer name.
    while (zone.hashed_owner(zone.hash(name)), NSEC3) not in zone.records:
        closer, name = name, name.parent()
    put(response.authority, zone, zone.hashed_owner(zone.hash(name)), NSEC3)
    cover_nsec3(response, zone, closer)


def cover_nsec3(response: dns.message.Message, zone: Zone, name: Name) -> None:
    """Add the NSEC3 record in whose span the hash of `name` falls."""
    hashed = zone.hash(name)
    hashes = sorted(owner for owner, rdtype in zone.records if rdtype == NSEC3)
    before = [owner for owner in hashes if owner < zone.hashed_owner(hashed)]
    put(response.authority, zone, (before or hashes)[-1], NSEC3)


def put(
    section: list[dns.rrset.RRset],
    zone: Zone,
    owner: Name,
    rdtype: RdataType,
    *,
    as_name: Name | None = None,
) -> None:
    """Add records and their signature to a section, under another name where a wildcard does."""
    for source in (zone.records, zone.signatures):
        rrset = source.get((owner, rdtype))
        if rrset is not None:
            copy = rrset_of(as_name or owner, *rrset, ttl=rrset.ttl)
            if copy not in section:
                section.append(copy)


def _nsec_owner(zone: Zone, name: Name) -> Name:
    owners = sorted(owner for owner, rdtype in zone.records if rdtype == NSEC)
    return max(owner for owner in owners if owner <= name)
