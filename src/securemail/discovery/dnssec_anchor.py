"""Where trust in the DNS begins (RFC 4033 section 2, RFC 9718). No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import dns.dnssec
import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zonefile
from dns.dnssectypes import DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from securemail.discovery.dnssec_signature import usable_ds
from securemail.errors import UsageError

# As IANA publishes them: the key of 2017, and the one of 2024 that takes its place in October 2026.
ROOT: Final = """
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""


@dataclass(frozen=True, slots=True)
class Anchors:
    """The keys that need no proof, as DS records by the name of their zone."""

    zones: Mapping[dns.name.Name, tuple[DS, ...]]

    @classmethod
    def from_text(cls, text: str, *, field: str = "anchor") -> Anchors:
        """Return the anchors in `text`: lines of DS or DNSKEY records, as unbound's root.key is.

        Raises: UsageError naming `field` for text without any that can be used.
        """
        found: dict[dns.name.Name, tuple[DS, ...]] = {}
        try:
            rrsets = dns.zonefile.read_rrsets(
                text, rdclass=None, default_ttl=0, origin=dns.name.root, relativize=False
            )
            for rrset in rrsets:
                for record in rrset:
                    found[rrset.name] = (*found.get(rrset.name, ()), _as_ds(rrset.name, record))
        except (dns.exception.DNSException, ValueError) as exc:
            raise UsageError(f"not a list of DS and DNSKEY records: {exc}", field=field) from exc
        usable = {name: usable_ds(records) for name, records in found.items()}
        if not usable or not all(usable.values()):
            raise UsageError("no DS or DNSKEY record of a known algorithm", field=field)
        return cls(usable)

    @classmethod
    def root(cls) -> Anchors:
        """Return the anchors of the public DNS."""
        return cls.from_text(ROOT)

    def above(self, name: dns.name.Name) -> dns.name.Name | None:
        """Return the anchored zone that is closest above `name`, or None."""
        above = [zone for zone in self.zones if name.is_subdomain(zone)]
        return max(above, key=len, default=None)


def _as_ds(owner: dns.name.Name, record: object) -> DS:
    if isinstance(record, DNSKEY):
        return dns.dnssec.make_ds(owner, record, DSDigest.SHA256)
    if isinstance(record, DS):
        return record
    raise ValueError(f"{record} is neither DS nor DNSKEY")
