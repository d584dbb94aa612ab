"""What a server's connections once had, and what has got worse since. No I/O here.

An account's policy says what must be; this says what has been. A fall is reported and stops
nothing: to insist on something, put it into the policy (RFC 8314 section 5.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum
from typing import Final, Self

from securemail.policy.confidentiality import INDICATORS, Confidentiality, Level, is_post_quantum
from securemail.proof import TLSVersion
from securemail.store.fields import choice, table, word

# REDUCED and CONFIDENTIAL are equal here: which of them it is depends on what the account asks for,
# and whatever is less about the connection itself is told by its own line.
_RANK: Final = {
    Level.NONE: 0,
    Level.UNAUTHENTICATED: 1,
    Level.PINNED: 2,
    Level.REDUCED: 3,
    Level.CONFIDENTIAL: 3,
}


@dataclass(frozen=True, slots=True)
class Fall:
    """One thing that a connection has less of than one before; `str()` says it to a person."""

    what: str
    had: str
    has: str

    def __str__(self) -> str:
        return f"{self.what}: it was {self.had}, and is {self.has}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The best that the connections to one server of an account had."""

    level: Level = Level.NONE
    tls_version: TLSVersion | None = None
    is_post_quantum: bool = False
    is_dane: bool = False

    @classmethod
    def of(cls, seen: Confidentiality) -> Self:
        """Return what one connection had."""
        return cls(
            level=seen.level,
            tls_version=seen.tls_version,
            is_post_quantum=is_post_quantum(seen.group),
            is_dane=seen.tlsa is not None,
        )

    def falls(self, seen: Floor) -> tuple[Fall, ...]:
        """Return all that `seen` has less of."""
        return tuple(self._falls(seen))

    def _falls(self, seen: Floor) -> Iterator[Fall]:
        if _RANK[seen.level] < _RANK[self.level]:
            had, has = INDICATORS[self.level].code, INDICATORS[seen.level].code
            yield Fall("the connection", had, has)
        if seen.tls_version is None:
            return  # the line above has said it, and nothing below is there without TLS
        if self.tls_version is not None and seen.tls_version < self.tls_version:
            yield Fall("the version", self.tls_version.value, seen.tls_version.value)
        if self.is_post_quantum and not seen.is_post_quantum:
            yield Fall("the key exchange", "safe from a quantum computer", "not any more")
        if self.is_dane and not seen.is_dane:
            yield Fall("the server", "authenticated by DANE", "not any more")

    def raised_by(self, seen: Floor) -> Floor:
        """Return the better of both, line by line.

        Where nobody has vouched for the server, its TLS counts for nothing: whoever answers in its
        place could raise the floor, and the real one would be reported for ever after.
        """
        if _RANK[seen.level] < _RANK[Level.PINNED]:
            seen = Floor(level=seen.level)
        versions = [each for each in (self.tls_version, seen.tls_version) if each is not None]
        return Floor(
            level=max(self.level, seen.level, key=_RANK.__getitem__),
            tls_version=max(versions, key=lambda version: version.value, default=None),
            is_post_quantum=self.is_post_quantum or seen.is_post_quantum,
            is_dane=self.is_dane or seen.is_dane,
        )

    def to_dict(self) -> dict[str, str | bool]:
        """Return it as texts and truths, fit for JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: word(value) if isinstance(value, Enum) else value
            for name, value in values.items()
            if value is not None
        }

    @classmethod
    def from_dict(cls, data: object, place: str) -> Self:
        """Return the floor that `to_dict` has made.

        Raises: UsageError that names `place`, for anything else.
        """
        values = table(data, place, _KINDS, required=_KINDS.keys() - {"tls_version"})
        values["level"] = choice(Level, values["level"], f"{place}.level")
        if "tls_version" in values:
            values["tls_version"] = choice(
                TLSVersion, values["tls_version"], f"{place}.tls_version"
            )
        return cls(**values)


_KINDS: Final = {"level": str, "tls_version": str, "is_post_quantum": bool, "is_dane": bool}
