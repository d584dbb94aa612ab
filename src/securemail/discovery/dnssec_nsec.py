"""That something is not there, proved by NSEC (RFC 4035 section 5.4, RFC 6840). No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dns.name
import dns.rdatatype
from dns.rcode import Rcode
from dns.rdatatype import CNAME, DNAME, DS, NS, SOA, RdataType
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

from securemail.records import DNSSEC


@dataclass(frozen=True, slots=True)
class Denial:
    """The proof that a name has no records of a type.

    `standing` is INSECURE where what is missing may have been left unsigned. `is_delegation` is
    true where the name is that of a zone below, and so for DS only. `is_name` says whether there is
    such a name at all, with other types; None: that stays open.
    """

    standing: DNSSEC = DNSSEC.SECURE
    is_delegation: bool = False
    is_name: bool | None = None

    def agrees_with(self, rcode: Rcode) -> bool:
        """Whether an answer with this code may have such a proof (RFC 4035 section 5.4)."""
        return self.is_name is None or self.is_name is (rcode != Rcode.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class Link:
    """One NSEC record, verified: between `owner` and its `record.next` there is no name."""

    owner: dns.name.Name
    record: NSEC

    def covers(self, name: dns.name.Name, apex: dns.name.Name) -> bool:
        """Whether `name` does not exist, by this record."""
        if not self.record.next.is_subdomain(apex) or hides(self.record, self.owner, name):
            return False
        # The last NSEC of a zone leads back to its first name.
        return self.owner < name and bool(name < self.record.next or self.record.next == apex)


def denial_by_nsec(
    name: dns.name.Name, rdtype: RdataType, links: Iterable[Link], apex: dns.name.Name
) -> Denial | None:
    """Return the proof that `name`, in the zone `apex`, has no `rdtype`, or None."""
    links = tuple(links)
    matching = [link.record for link in links if link.owner == name]
    if matching:
        return no_data(matching[0], rdtype, name)
    covering = [link for link in links if link.covers(name, apex)]
    if not covering:
        return None
    if covering[0].record.next.is_subdomain(name):
        return Denial()  # an empty non-terminal: it exists, and has nothing
    wildcard = dns.name.Name((b"*", *_closest_encloser(name, covering[0]).labels))
    for link in links:
        if link.owner == wildcard:
            return no_data(link.record, rdtype, wildcard)
    is_proved = any(link.covers(wildcard, apex) for link in links)
    return Denial(is_name=False) if is_proved else None


def nothing_closer_by_nsec(
    name: dns.name.Name, encloser: dns.name.Name, links: Iterable[Link], apex: dns.name.Name
) -> bool:
    """Whether no name is closer to `name` than the wildcard below `encloser` (section 5.3.4)."""
    return any(
        link.covers(name, apex)
        and not link.record.next.is_subdomain(name)
        and _closest_encloser(name, link) == encloser
        for link in links
    )


def no_data(record: NSEC | NSEC3, rdtype: RdataType, owner: dns.name.Name) -> Denial | None:
    """Return what the record of an existing name proves about one type of it, or None."""
    if has(record, rdtype) or has(record, CNAME):  # RFC 6840 section 4.3
        return None
    is_delegation = has(record, NS) and not has(record, SOA)
    # The zone's own side of the cut knows nothing of its DS (RFC 6840 section 4.4), and its
    # parent's side of nothing else (section 4.1).
    is_below = has(record, SOA) and owner != dns.name.root
    if is_below if rdtype == DS else is_delegation:
        return None
    # Servers with NSEC are known that say NXDOMAIN of a name below which there are others.
    is_name = True if isinstance(record, NSEC3) else None
    return Denial(is_delegation=is_delegation, is_name=is_name)


def hides(record: NSEC | NSEC3, owner: dns.name.Name, name: dns.name.Name) -> bool:
    """Whether what is below `owner` is none of this zone's affairs (RFC 6840 section 4.1)."""
    leads_away = (has(record, NS) and not has(record, SOA)) or has(record, DNAME)
    return leads_away and name != owner and name.is_subdomain(owner)


def has(record: NSEC | NSEC3, rdtype: RdataType) -> bool:
    """Whether the type bit maps say that there are records of a type (RFC 4034 section 4.1.2)."""
    window, place = divmod(int(rdtype), 256)
    octet, bit = divmod(place, 8)
    return any(
        number == window and octet < len(bits) and bool(bits[octet] & (0x80 >> bit))
        for number, bits in record.windows
    )


def _closest_encloser(name: dns.name.Name, link: Link) -> dns.name.Name:
    """Return the longest existing ancestor of a name that the record covers."""
    shared = max(_shared_labels(name, link.owner), _shared_labels(name, link.record.next))
    return name.split(shared)[1]


def _shared_labels(name: dns.name.Name, other: dns.name.Name) -> int:
    return name.fullcompare(other)[2]
