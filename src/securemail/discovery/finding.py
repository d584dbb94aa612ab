"""What one source says about the servers of a domain, before anybody judges it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from securemail.account import Endpoint, Service
from securemail.records import DNSSEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertised:
    """A server that a source names.

    `preference` orders the servers of one service within one source: lower is better.
    `reasons` say in words where it was found. `username` is the name to log in with, where the
    source knows it.
    """

    service: Service
    endpoint: Endpoint
    preference: int = 0
    dnssec: DNSSEC = DNSSEC.UNCHECKED
    reasons: tuple[str, ...] = ()
    username: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All that one source says.

    `source` is its name. `not_offered` are the services that the domain says it does not have.
    `notes` are sentences about what was found and is no server: what could not be used, and why.
    """

    source: str
    servers: tuple[Advertised, ...] = ()
    not_offered: frozenset[Service] = frozenset()
    notes: tuple[str, ...] = ()

    def noting(self, notes: Iterable[str]) -> Finding:
        """Return the finding with more notes."""
        return replace(self, notes=(*self.notes, *notes))
