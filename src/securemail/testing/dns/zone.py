"""Zones, and how they are signed (RFC 4034, RFC 5155)."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zonefile
from dns.dnssectypes import DSDigest
from dns.name import Name
from dns.rdatatype import DNSKEY, DS, NS, NSEC, RRSIG, SOA, RdataType
from dns.rdtypes.ANY.NSEC import Bitmap

from securemail.testing.dns.keys import KSK, ZSK, Key

DAY_S: Final = 86400
TTL: Final = 300


class Denial(Enum):
    """How a zone proves that something is not there."""

    NONE = "unsigned"
    NSEC = "NSEC"
    NSEC3 = "NSEC3"
    OPT_OUT = "NSEC3 with opt-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How a zone is signed; from `inception` to `expiration`, in seconds of the epoch."""

    denial: Denial = Denial.NSEC
    iterations: int = 0
    salt: bytes = b""
    inception: int = field(default_factory=lambda: int(time.time()) - 10 * DAY_S)
    expiration: int = field(default_factory=lambda: int(time.time()) + 20 * DAY_S)
    keys: tuple[Key, ...] = (Key(),)


RRsets = dict[tuple[Name, RdataType], dns.rrset.RRset]


@dataclass(slots=True)
class Zone:
    """One zone: the records in `text`, and what signing adds."""

    name: Name
    signing: Signing
    records: RRsets = field(default_factory=dict)
    signatures: dict[tuple[Name, RdataType], dns.rrset.RRset] = field(default_factory=dict)

    @property
    def is_signed(self) -> bool:
        """Whether it is signed at all."""
        return self.signing.denial is not Denial.NONE

    @property
    def has_nsec3(self) -> bool:
        """Whether absence is proved by hashed names."""
        return self.signing.denial in (Denial.NSEC3, Denial.OPT_OUT)

    def add(self, rrset: dns.rrset.RRset) -> None:
        """Add records to those of the same name and type."""
        known = self.records.setdefault((rrset.name, rrset.rdtype), rrset)
        for record in rrset:
            known.add(record)

    def dnskeys(self) -> dns.rrset.RRset:
        """Return the keys as they are published."""
        return rrset_of(self.name, *(key.dnskey(self.name) for key in self.signing.keys))

    def ds(self, digest: DSDigest = DSDigest.SHA256) -> dns.rrset.RRset:
        """Return what the parent says of the keys that sign the others."""
        named = [key.dnskey(self.name) for key in self.signing.keys if key.flags == KSK]
        anything = dns.dnssec.allow_all_policy
        made = [dns.dnssec.make_ds(self.name, key, digest, policy=anything) for key in named]
        return rrset_of(self.name, *made)

    def signatures_on(self, rrset: dns.rrset.RRset) -> dns.rrset.RRset:
        """Return the zone's signatures on any records."""
        times = (self.signing.inception, self.signing.expiration)
        signers = signers_of(self.signing.keys, rrset.rdtype)
        made = [key.sign(rrset, self.name, times=times) for key in signers]
        return rrset_of(rrset.name, *made, ttl=rrset.ttl)

    def cut_above(self, name: Name) -> Name | None:
        """Return the delegation that `name` is at or below, if any."""
        for depth in range(len(self.name) + 1, len(name) + 1):
            ancestor = name.split(depth)[1]
            if (ancestor, NS) in self.records:
                return ancestor
        return None

    def names(self) -> list[Name]:
        """Return the names that exist, empty non-terminals too, in canonical order."""
        found = set()
        for owner, _ in self.records:
            if self.cut_above(owner) in (None, owner):
                found |= {owner.split(depth)[1] for depth in range(len(self.name), len(owner) + 1)}
        return sorted(found)

    def types_at(self, name: Name) -> set[RdataType]:
        """Return the types that `name` has."""
        return {rdtype for owner, rdtype in self.records if owner == name}

    def hash(self, name: Name) -> bytes:
        """Return the NSEC3 hash of `name` (RFC 5155 section 5)."""
        text = dns.dnssec.nsec3_hash(name, self.signing.salt, self.signing.iterations, 1)
        return base64.b32hexdecode(text)

    def hashed_owner(self, hashed: bytes) -> Name:
        """Return the name of the NSEC3 record for a hash."""
        return Name((base64.b32hexencode(hashed).lower(), *self.name.labels))

    def to_text(self) -> str:
        """Return the zone as a zone file, signatures included."""
        sets = [*self.records.values(), *self.signatures.values()]
        soa_first = sorted(sets, key=lambda rrset: rrset.rdtype != SOA)
        return "\n".join(rrset.to_text() for rrset in soa_first) + "\n"


def make_zone(name: str, text: str, signing: Signing | None = None) -> Zone:
    """Return a zone, not signed yet, with SOA and NS of its own."""
    zone = Zone(dns.name.from_text(name), signing or Signing())
    head = f"@ {TTL} SOA ns.{name} hostmaster.{name} 1 3600 600 86400 {TTL}\n@ {TTL} NS ns.test.\n"
    lines = head.replace("..", ".") + text
    for rrset in dns.zonefile.read_rrsets(
        lines, rdclass=None, origin=zone.name, relativize=False, default_ttl=TTL
    ):
        zone.add(rrset)
    return zone


def rrset_of(name: Name, *records: dns.rdata.Rdata, ttl: int = TTL) -> dns.rrset.RRset:
    """Return records of one type as a set."""
    return dns.rrset.from_rdata_list(name, ttl, records)


def sign(zone: Zone) -> None:
    """Add keys, NSEC or NSEC3, and signatures."""
    zone.signatures.clear()
    if not zone.is_signed:
        return
    zone.add(zone.dnskeys())
    if zone.has_nsec3:
        parameters = dns.rdata.from_text("IN", "NSEC3PARAM", f"1 0 {_parameters(zone)}")
        zone.add(rrset_of(zone.name, parameters))
    for rrset in list(_nsec3s(zone) if zone.has_nsec3 else _nsecs(zone)):
        zone.add(rrset)
    for (owner, rdtype), rrset in zone.records.items():
        cut = zone.cut_above(owner)
        if cut is None or (owner == cut and rdtype in (DS, NSEC)):
            zone.signatures[owner, rdtype] = zone.signatures_on(rrset)


def signers_of(keys: tuple[Key, ...], rdtype: RdataType) -> tuple[Key, ...]:
    """Return the keys that sign records of a type (RFC 6781 section 3.1)."""
    active = [key for key in keys if key.is_active]
    wanted = KSK if rdtype == DNSKEY else ZSK
    return tuple(key for key in active if key.flags == wanted) or tuple(active)


def _nsecs(zone: Zone) -> Iterator[dns.rrset.RRset]:
    owners = [name for name in zone.names() if zone.types_at(name)]
    for owner, following in zip(owners, owners[1:] + owners[:1], strict=True):
        types = zone.types_at(owner) | {NSEC, RRSIG}
        record = dns.rdata.from_text("IN", "NSEC", f"{following} {_bitmap(types)}")
        yield rrset_of(owner, record)


def _nsec3s(zone: Zone) -> Iterator[dns.rrset.RRset]:
    names = [name for name in zone.names() if _is_in(zone, name)]
    types = {zone.hash(name): _hashed_types(zone, name) for name in names}
    hashes = sorted(types)
    flag = int(zone.signing.denial is Denial.OPT_OUT)
    for hashed, following in zip(hashes, hashes[1:] + hashes[:1], strict=True):
        tail = f"{base64.b32hexencode(following).decode()} {_bitmap(types[hashed])}"
        record = dns.rdata.from_text("IN", "NSEC3", f"1 {flag} {_parameters(zone)} {tail}")
        yield rrset_of(zone.hashed_owner(hashed), record)


def _hashed_types(zone: Zone, name: Name) -> set[RdataType]:
    types = zone.types_at(name)
    is_unsigned = not types or (zone.cut_above(name) == name and DS not in types)
    return types if is_unsigned else types | {RRSIG}


def _is_in(zone: Zone, name: Name) -> bool:
    """Whether a name has an NSEC3: with opt-out, unsigned delegations have none."""
    if zone.signing.denial is not Denial.OPT_OUT:
        return True
    below = [each for each in zone.names() if each.is_subdomain(name) and zone.types_at(each)]
    return any(zone.cut_above(each) is None or DS in zone.types_at(each) for each in below)


def _parameters(zone: Zone) -> str:
    return f"{zone.signing.iterations} {zone.signing.salt.hex() or '-'}"


def _bitmap(types: set[RdataType]) -> str:
    return Bitmap.from_rdtypes(sorted(types)).to_text().strip()
