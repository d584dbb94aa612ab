"""What one look-up may cost, and when it happens. No I/O here.

An answer can be made so that a validator works for hours (CVE-2023-50387, CVE-2023-50868): every
signature that is verified and every name that is hashed is paid for from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from securemail import limits
from securemail.errors import DiscoveryError, DiscoveryReason

_SERIAL_BITS: Final = 32


@dataclass(slots=True)
class Inspection:
    """One look-up: `now` in seconds since 1970, and what is left of its bounds."""

    now: int
    questions: int = limits.DNS_QUESTIONS
    verifications: int = limits.DNS_VERIFICATIONS
    failures: int = limits.DNS_FAILURES
    hashes: int = limits.DNS_HASHES

    def ask(self) -> None:
        """Pay for a question. Raises: DiscoveryError."""
        self.questions -= 1
        _check(self.questions, limits.DNS_QUESTIONS, "questions")

    def verify(self) -> None:
        """Pay for the verification of a signature. Raises: DiscoveryError."""
        self.verifications -= 1
        _check(self.verifications, limits.DNS_VERIFICATIONS, "signatures")

    def fail(self) -> None:
        """Pay for a verification that was in vain. Raises: DiscoveryError."""
        self.failures -= 1
        _check(self.failures, limits.DNS_FAILURES, "signatures that do not verify")

    def hash(self) -> None:
        """Pay for a hash, of a name or of a key. Raises: DiscoveryError."""
        self.hashes -= 1
        _check(self.hashes, limits.DNS_HASHES, "hashes")


def bogus(what: str) -> DiscoveryError:
    """Return the error for an answer that somebody has tampered with, or that is signed wrongly."""
    return DiscoveryError(f"bogus DNS answer: {what}", reason=DiscoveryReason.BOGUS)


def is_later(moment: int, other: int) -> bool:
    """Whether `moment` is after `other` in serial arithmetic (RFC 4034 section 3.1.5, RFC 1982)."""
    return 0 < (moment - other) % (1 << _SERIAL_BITS) < 1 << (_SERIAL_BITS - 1)


def seconds_until(moment: int, now: int) -> int:
    """Return how far a `moment` that is not past is away, in serial arithmetic."""
    return (moment - now) % (1 << _SERIAL_BITS)


def _check(left: int, limit: int, what: str) -> None:
    if left < 0:
        raise DiscoveryError(
            f"the DNS answer takes more than {limit} {what} to judge", reason=DiscoveryReason.LIMIT
        )
