"""That something is not there, proved by NSEC3 (RFC 5155 section 8, RFC 9276). No I/O here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

import dns.dnssec
import dns.name
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.NSEC3 import NSEC3, OPTOUT, SHA1

from securemail import limits
from securemail.discovery.dnssec_nsec import Denial, hides, no_data
from securemail.discovery.inspection import Inspection
from securemail.records import DNSSEC

_HASH_BYTES = 20


@dataclass(frozen=True, slots=True)
class HashedLink:
    """One NSEC3 record, verified: between `hash` and its `record.next` there is no hashed name."""

    hash: bytes
    record: NSEC3

    def covers(self, hashed: bytes) -> bool:
        """Whether the name with this hash does not exist, by this record."""
        if self.hash < self.record.next:
            return self.hash < hashed and bool(hashed < self.record.next)
        # The last NSEC3 of a zone leads back to its first.
        return hashed > self.hash or bool(hashed < self.record.next)


@dataclass(frozen=True, slots=True)
class HashedLinks:
    """The NSEC3 records that one proof is made of: all with the same parameters."""

    apex: dns.name.Name
    links: tuple[HashedLink, ...]
    inspection: Inspection

    @property
    def is_too_costly(self) -> bool:
        """Whether the zone hashes so often that it counts as unsigned (RFC 9276 section 3.2)."""
        return bool(self.links[0].record.iterations > limits.NSEC3_ITERATIONS)

    def match(self, name: dns.name.Name) -> NSEC3 | None:
        """Return the record of a name that exists."""
        hashed = self._hash(name)
        return next((link.record for link in self.links if link.hash == hashed), None)

    def cover(self, name: dns.name.Name) -> NSEC3 | None:
        """Return the record by which a name does not exist."""
        hashed = self._hash(name)
        return next((link.record for link in self.links if link.covers(hashed)), None)

    def _hash(self, name: dns.name.Name) -> bytes:
        self.inspection.hash()
        record = self.links[0].record
        text = dns.dnssec.nsec3_hash(name, record.salt, record.iterations, record.algorithm)
        return base64.b32hexdecode(text)


def hashed_links(
    apex: dns.name.Name, records: Iterable[tuple[dns.name.Name, NSEC3]], inspection: Inspection
) -> HashedLinks | None:
    """Return the records that can be used together, or None (RFC 5155 sections 8.1 and 8.2)."""
    links = [
        HashedLink(hashed, record)
        for owner, record in records
        if record.algorithm == SHA1
        and record.flags in (0, OPTOUT)
        and len(record.next) == _HASH_BYTES
        and (hashed := _hash_in(owner, apex))
    ]
    if not links:
        return None
    first = links[0].record
    alike = tuple(
        link
        for link in links
        if (link.record.iterations, link.record.salt) == (first.iterations, first.salt)
    )
    return HashedLinks(apex, alike, inspection)


def denial_by_nsec3(name: dns.name.Name, rdtype: RdataType, hashed: HashedLinks) -> Denial | None:
    """Return the proof that `name` has no `rdtype`, or None.

    Raises: DiscoveryError past the bound of hashes (CVE-2023-50868).
    """
    if hashed.is_too_costly:
        return Denial(DNSSEC.INSECURE)
    record = hashed.match(name)
    if record is not None:
        return no_data(record, rdtype, name)
    encloser = _closest_encloser(name, hashed)
    if encloser is None:
        return None
    covering = hashed.cover(_next_closer(name, encloser))
    if covering is None:
        return None
    wildcard = dns.name.Name((b"*", *encloser.labels))
    if covering.flags & OPTOUT:
        # An unsigned zone may be there (sections 8.6 and 9.2). NXDOMAIN says more: no wildcard.
        is_absent = hashed.cover(wildcard) is not None
        return Denial(DNSSEC.INSECURE, is_name=None if is_absent else True)
    record = hashed.match(wildcard)
    if record is not None:
        return no_data(record, rdtype, wildcard)
    return Denial(is_name=False) if hashed.cover(wildcard) is not None else None


def nothing_closer_by_nsec3(
    name: dns.name.Name, encloser: dns.name.Name, hashed: HashedLinks
) -> DNSSEC | None:
    """Return how surely nothing is closer to `name` than the wildcard below `encloser`, or None.

    The records are in the signature; that nothing is closer takes one record (section 8.8).
    """
    if hashed.is_too_costly:
        return DNSSEC.INSECURE
    covering = hashed.cover(_next_closer(name, encloser))
    if covering is None:
        return None
    return DNSSEC.INSECURE if covering.flags & OPTOUT else DNSSEC.SECURE


def _closest_encloser(name: dns.name.Name, hashed: HashedLinks) -> dns.name.Name | None:
    """Return the longest ancestor of an absent name that is there (section 8.3)."""
    for depth in range(len(name) - 1, len(hashed.apex) - 1, -1):
        ancestor = name.split(depth)[1]
        record = hashed.match(ancestor)
        if record is not None:
            return None if hides(record, ancestor, name) else ancestor
    return None


def _next_closer(name: dns.name.Name, encloser: dns.name.Name) -> dns.name.Name:
    return name.split(len(encloser) + 1)[1]


def _hash_in(owner: dns.name.Name, apex: dns.name.Name) -> bytes:
    """Return the hash that is an owner's first label; empty where it is not this zone's."""
    if len(owner) != len(apex) + 1 or not owner.is_subdomain(apex):
        return b""
    try:
        found = base64.b32hexdecode(owner.labels[0].upper())
    except binascii.Error:
        return b""
    return found if len(found) == _HASH_BYTES else b""
