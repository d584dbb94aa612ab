"""Signatures and keys of a zone (RFC 4034, RFC 4035 sections 5.2 and 5.3). No I/O here.

The parsing, the canonical forms and the algorithms are dnspython's; which signature counts is
decided here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import dns.dnssec
import dns.dnssecalgs
import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as UnsupportedByOpenSSL
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG
from dns.rdtypes.dnskeybase import Flag

from securemail import limits
from securemail.discovery.inspection import Inspection, bogus, is_later
from securemail.records import DNSSEC

Keys = Mapping[tuple[int, int], tuple[DNSKEY, ...]]

# RFC 9904. RFC 9905 has whoever runs a validator treat the SHA-1 algorithms 5 and 7 as unknown, and
# their zones as unsigned; nobody runs this one but us. MD5, DSA and GOST are gone everywhere.
ALGORITHMS: Final = frozenset(
    {
        Algorithm.RSASHA256,
        Algorithm.RSASHA512,
        Algorithm.ECDSAP256SHA256,
        Algorithm.ECDSAP384SHA384,
        Algorithm.ED25519,
        Algorithm.ED448,
    }
)
DIGESTS: Final = frozenset({DSDigest.SHA1, DSDigest.SHA256, DSDigest.SHA384})
_RSA: Final = frozenset({Algorithm.RSASHA256, Algorithm.RSASHA512})
_PROTOCOL: Final = 3  # RFC 4034 section 2.1.2


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone and how far its records can be believed. `keys` are those of a secure one."""

    name: dns.name.Name
    standing: DNSSEC
    keys: Keys = field(default_factory=dict)


def usable_ds(records: Iterable[DS]) -> tuple[DS, ...]:
    """Return those of a delegation's DS records that we can follow.

    None: the zone is as good as unsigned (RFC 4035 section 5.2, RFC 6840 section 5.2). Where there
    is a SHA-2 digest, the SHA-1 one is for others (RFC 4509 section 3).
    """
    known = [ds for ds in records if ds.algorithm in ALGORITHMS and ds.digest_type in DIGESTS]
    strong = {ds.algorithm for ds in known if ds.digest_type != DSDigest.SHA1}
    return tuple(
        ds for ds in known if ds.digest_type != DSDigest.SHA1 or ds.algorithm not in strong
    )


def secure_zone(
    keys: dns.rrset.RRset,
    signatures: Iterable[RRSIG],
    ds_records: Iterable[DS],
    inspection: Inspection,
) -> Zone:
    """Return the zone with its keys, one of which a DS vouches for and has signed them all.

    Raises: DiscoveryError where there is no such key (RFC 4035 section 5.2), and past the bounds.
    """
    all_keys = _by_tag(key for key in keys if isinstance(key, DNSKEY))
    anchored = _by_tag(_anchored(keys.name, all_keys, ds_records, inspection))
    if not anchored:
        raise bogus(f"no DNSKEY of {keys.name} matches its DS")
    verified(keys, signatures, Zone(keys.name, DNSSEC.SECURE, anchored), inspection)
    return Zone(keys.name, DNSSEC.SECURE, all_keys)


def verified(
    rrset: dns.rrset.RRset, signatures: Iterable[RRSIG], zone: Zone, inspection: Inspection
) -> RRSIG:
    """Return the signature by which the zone vouches for all these records.

    A signature with fewer labels than the name is a wildcard's: that nothing closer exists must be
    proved elsewhere (RFC 4035 section 5.3.4).

    Raises: DiscoveryError where there is none, saying what is wrong with the last one; and past the
    bounds.
    """
    what = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}"
    why = f"it has no signature by {zone.name}"
    fitting: list[RRSIG] = []
    for signature in signatures:
        problem = _problem(rrset, signature, zone, inspection.now)
        why = problem or why
        if not problem:
            fitting.append(signature)
    for signature in islice(fitting, limits.DNS_SIGNATURES):
        if _is_genuine(rrset, signature, zone, inspection):
            return signature
        why = f"its signature by {zone.name} is wrong"
    raise bogus(f"{what}: {why}")


def label_count(name: dns.name.Name) -> int:
    """Return the labels of a name as RRSIG counts them: no root, no asterisk (RFC 4034 3.1.3)."""
    return len(name) - 1 - name.is_wild()


def _by_tag(keys: Iterable[DNSKEY]) -> Keys:
    """Return the zone keys by what a signature calls them, without those nobody may use."""
    found: dict[tuple[int, int], tuple[DNSKEY, ...]] = {}
    for key in keys:
        # A revoked key vouches for nothing but its revocation (RFC 5011 section 2.1).
        is_zone_key = key.flags & Flag.ZONE and not key.flags & Flag.REVOKE
        if is_zone_key and key.protocol == _PROTOCOL and key.algorithm in ALGORITHMS:
            place = (key.key_id(), int(key.algorithm))
            found[place] = (*found.get(place, ()), key)
    return found


def _anchored(
    owner: dns.name.Name, keys: Keys, ds_records: Iterable[DS], inspection: Inspection
) -> Iterator[DNSKEY]:
    for ds in ds_records:
        same_tag = keys.get((ds.key_tag, int(ds.algorithm)), ())
        for key in same_tag[: limits.DNS_KEYS_PER_TAG]:
            inspection.hash()
            made = dns.dnssec.make_ds(owner, key, ds.digest_type, validating=True)
            if made.digest == ds.digest:
                yield key


def _problem(rrset: dns.rrset.RRset, signature: RRSIG, zone: Zone, now: int) -> str:
    """Return why a signature does not count, before any arithmetic (RFC 4035 section 5.3.1)."""
    if signature.signer != zone.name or not rrset.name.is_subdomain(zone.name):
        return f"it has no signature by {zone.name}"
    if signature.type_covered != rrset.rdtype or signature.labels > label_count(rrset.name):
        return "its signature is for something else"
    if (signature.key_tag, int(signature.algorithm)) not in zone.keys:
        return f"{zone.name} has no key {signature.key_tag} of algorithm {signature.algorithm}"
    if is_later(now, signature.expiration):
        return f"its signature expired {(now - signature.expiration) % 2**32} s ago"
    if is_later(signature.inception, now):
        return f"its signature begins in {(signature.inception - now) % 2**32} s"
    return ""


def _is_genuine(
    rrset: dns.rrset.RRset, signature: RRSIG, zone: Zone, inspection: Inspection
) -> bool:
    data = _signed_data(rrset, signature)
    keys = zone.keys[signature.key_tag, int(signature.algorithm)]
    for key in keys[: limits.DNS_KEYS_PER_TAG]:
        inspection.verify()
        if _matches(key, signature, data):
            return True
        inspection.fail()
    return False


def _signed_data(rrset: dns.rrset.RRset, signature: RRSIG) -> bytes:
    """Return what was signed (RFC 4034 sections 3.1.8.1 and 6, RFC 4035 section 5.3.2)."""
    owner = rrset.name
    if signature.labels < label_count(owner):
        owner = dns.name.Name((b"*", *owner.labels[-signature.labels - 1 :]))
    fixed = struct.pack(
        "!HBBIIIH",
        signature.type_covered,
        signature.algorithm,
        signature.labels,
        signature.original_ttl,
        signature.expiration,
        signature.inception,
        signature.key_tag,
    )
    head = owner.to_digestable() + struct.pack(
        "!HHI", rrset.rdtype, rrset.rdclass, signature.original_ttl
    )
    records = sorted({rdata.to_digestable() for rdata in rrset})
    body = b"".join(head + struct.pack("!H", len(record)) + record for record in records)
    return fixed + signature.signer.to_digestable() + body


def _matches(key: DNSKEY, signature: RRSIG, data: bytes) -> bool:
    if key.algorithm in _RSA and not _is_reasonable_rsa(key.key):
        return False
    try:
        public = dns.dnssecalgs.get_algorithm_cls_from_dnskey(key).public_cls.from_dnskey(key)
        public.verify(signature.signature, data)
    except (InvalidSignature, UnsupportedByOpenSSL, dns.exception.DNSException, ValueError):
        return False
    return True


def _is_reasonable_rsa(key: bytes) -> bool:
    """Whether a key is strong enough, and cheap enough: the exponent's length is the work."""
    exponent_bytes = key[0] if key else 0
    modulus_bytes = len(key) - 1 - exponent_bytes
    return (
        1 <= exponent_bytes <= limits.RSA_EXPONENT_BYTES
        and limits.RSA_MIN_BYTES <= modulus_bytes <= limits.RSA_MAX_BYTES
    )
