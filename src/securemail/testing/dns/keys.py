"""The keys that zones are signed with (RFC 4034, RFC 6781)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, cast

import dns.dnssec
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dns.dnssectypes import Algorithm
from dns.name import Name
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

KSK: Final = 257
ZSK: Final = 256


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a zone.

    A KSK has a DS and signs the keys; a ZSK signs the rest, and where there is none the KSK does.
    `number` tells keys apart that are alike. One that is not active is only published, as in a
    roll-over (RFC 6781 section 4.1).
    """

    algorithm: int = Algorithm.ECDSAP256SHA256
    flags: int = KSK
    number: int = 0
    is_active: bool = True

    def dnskey(self, zone: Name) -> DNSKEY:
        """Return the key as the zone publishes it."""
        return cast("DNSKEY", _genuine(zone, self).replace(algorithm=self.algorithm))

    def sign(self, rrset: dns.rrset.RRset, zone: Name, *, times: tuple[int, int]) -> RRSIG:
        """Return the key's signature on any records, from and until `times`."""
        inception, expiration = times
        made = dns.dnssec.sign(
            rrset,
            _private(str(zone), self),
            zone,
            _genuine(zone, self),
            inception=inception,
            expiration=expiration,
        )
        if made.algorithm == self.algorithm:
            return made
        return cast("RRSIG", made.replace(algorithm=self.algorithm, key_tag=self.tag(zone)))

    def tag(self, zone: Name) -> int:
        """Return what signatures call the key."""
        return int(dns.dnssec.key_id(self.dnskey(zone)))


@cache
def _genuine(zone: Name, key: Key) -> DNSKEY:
    """Return the key with the algorithm that it has, whatever it claims."""
    public = _private(str(zone), key).public_key()
    return dns.dnssec.make_dnskey(public, _made_with(key.algorithm), flags=key.flags)


@cache
def _private(_zone: str, key: Key) -> PrivateKey:
    """Return the private half: made once for the whole run."""
    match _made_with(key.algorithm):
        case Algorithm.RSASHA256:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case Algorithm.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return ec.generate_private_key(ec.SECP256R1())


def _made_with(algorithm: int) -> Algorithm:
    known = (Algorithm.RSASHA256, Algorithm.ED25519)
    return Algorithm(algorithm) if algorithm in known else Algorithm.ECDSAP256SHA256
