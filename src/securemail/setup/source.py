"""What `discover()` asks of a source: DNS records, a provider's file, or a program's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from securemail.account import Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.discovery.finding import Finding
from securemail.trust import TrustStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Where the servers for `services` of `address` are, is what is asked.

    `domain` is the address's, in A-label form. `resolver` is the DNS to ask, `trust` whom to
    believe over TLS.
    """

    address: str
    domain: str
    services: frozenset[Service]
    resolver: Resolver
    trust: TrustStore
    timeouts: Timeouts


class Source(Protocol):
    """Somebody who may know where the servers of a domain are."""

    @property
    def name(self) -> str:
        """What a plan calls it: "SRV"."""

    async def find(self, question: Question) -> Finding:
        """Return what is advertised; it is judged by the plan, not here.

        Connects to no host outside the question's domain that the program has not named itself.

        Raises: DiscoveryError when it could not be found out.
        """
