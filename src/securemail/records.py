"""What the DNS says, and how far it is to be believed, as values for every layer. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

RecordT = TypeVar("RecordT")


class DNSSEC(Enum):
    """How far an answer is to be believed (RFC 4033 section 5). Bogus ones never become values."""

    SECURE = "secure"
    """Signatures lead from a trust anchor to the answer, or a resolver that is trusted says so."""
    INSECURE = "insecure"
    """It is proved that the zone is not signed."""
    UNCHECKED = "unchecked"
    """Nobody looked: anyone on the path may have written it."""


@dataclass(frozen=True, slots=True)
class TLSARecord:
    """A certificate or key that a service may show (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching_type: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching_type} {self.data.hex()}"


@dataclass(frozen=True, slots=True)
class SRVRecord:
    """Where a service is (RFC 2782). A `target` of "." means that it is not offered (RFC 6186)."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[RecordT]):
    """All records of one name and type. No records: it is certain that there are none.

    What could not be found out is an error of the look-up, and never an answer without records.
    `canonical_name` is where CNAMEs have led; `ttl_s` says for how many seconds it holds.
    `dnssec` is the standing of the whole path: the name, its CNAMEs, and the absence of records.
    """

    name: str
    records: tuple[RecordT, ...]
    dnssec: DNSSEC
    canonical_name: str
    ttl_s: int = 0
