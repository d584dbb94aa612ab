"""What TLSA records say about a chain (RFC 6698, RFC 7671). No I/O here.

The records arrive here DNSSEC-secure; that they are is decided where they are looked up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import limits
from securemail.records import TLSARecord
from securemail.tls.der import public_key_info


class Usage(IntEnum):
    """What a record binds the server to (RFC 7218)."""

    PKIX_TA = 0
    PKIX_EE = 1
    DANE_TA = 2
    DANE_EE = 3


class Selector(IntEnum):
    """Which part of a certificate is meant."""

    CERT = 0
    SPKI = 1


class Matching(IntEnum):
    """How that part is given."""

    FULL = 0
    SHA2_256 = 1
    SHA2_512 = 2


_DIGEST_BYTES: Final = {Matching.SHA2_256: 32, Matching.SHA2_512: 64}

# What is asked first: a key that vouches for itself, then an authority of the server's own, then
# those that only narrow down what the public authorities say.
_ORDER: Final = (Usage.DANE_EE, Usage.DANE_TA, Usage.PKIX_EE, Usage.PKIX_TA)


@dataclass(frozen=True, slots=True)
class Match:
    """A record and the place in the chain that it is about; 0 is the server's own certificate."""

    record: TLSARecord
    depth: int

    @property
    def usage(self) -> Usage:
        """What follows from it."""
        return Usage(self.record.usage)


def usable(records: Iterable[TLSARecord]) -> tuple[TLSARecord, ...]:
    """Return the records that we can hold a server to, each once.

    Unknown usages, selectors and matching types and digests of a wrong length do not count
    (RFC 6698 section 4.1). Of digests of the same usage and selector only the strongest kind does:
    whoever can forge the weaker one must gain nothing (RFC 7671 section 9).
    """
    known = [record for record in dict.fromkeys(records) if _is_usable(record)]
    known = known[: limits.TLSA_RECORDS]
    strongest: dict[tuple[int, int], int] = {}
    for record in known:
        kind = (record.usage, record.selector)
        strongest[kind] = max(record.matching_type, strongest.get(kind, 0))
    return tuple(
        record
        for record in known
        if record.matching_type in (Matching.FULL, strongest[record.usage, record.selector])
    )


def _is_usable(record: TLSARecord) -> bool:
    try:
        Usage(record.usage), Selector(record.selector)
        matching = Matching(record.matching_type)
    except ValueError:
        return False
    return len(record.data) == _DIGEST_BYTES.get(matching, len(record.data)) and bool(record.data)


def matches(records: Iterable[TLSARecord], chain: Sequence[x509.Certificate]) -> tuple[Match, ...]:
    """Return every place where one of the usable `records` meets `chain`, the strongest first.

    Usages 1 and 3 are about the server's own certificate, 0 and 2 about those above it.

    Raises: ValueError when a certificate cannot be taken apart.
    """
    found = (
        Match(record, depth)
        for depth, certificate in enumerate(chain)
        for record in records
        if _is_about(record, depth) and _is_met(record, certificate)
    )
    return tuple(sorted(found, key=lambda match: (_ORDER.index(match.usage), match.depth)))


def _is_about(record: TLSARecord, depth: int) -> bool:
    is_end_entity = record.usage in (Usage.PKIX_EE, Usage.DANE_EE)
    return is_end_entity == (depth == 0)


def _is_met(record: TLSARecord, certificate: x509.Certificate) -> bool:
    encoded = certificate.public_bytes(Encoding.DER)
    selected = encoded if record.selector == Selector.CERT else public_key_info(encoded)
    match Matching(record.matching_type):
        case Matching.FULL:
            return selected == record.data
        case Matching.SHA2_256:
            return hashlib.sha256(selected).digest() == record.data
        case Matching.SHA2_512:
            return hashlib.sha512(selected).digest() == record.data


def is_strong(certificate: x509.Certificate) -> bool:
    """Return whether the key is long enough for TLS (RFC 9325 section 4.5).

    OpenSSL's word on it comes among others that a record of usage 3 makes irrelevant.
    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    match key:
        case rsa.RSAPublicKey():
            return key.key_size >= limits.RSA_BITS
        case ec.EllipticCurvePublicKey():
            return key.key_size >= limits.CURVE_BITS
        case _:
            return True
