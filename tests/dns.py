"""A DNS that says what a test wants, with the standing that it wants."""

from __future__ import annotations

from collections.abc import Mapping

from securemail import DiscoveryError, Resolver
from securemail.records import DNSSEC, Answer, TLSARecord

HOST = "mail.example.org"


class FixedDNS(Resolver):
    """Gives the records that it was told, and notes what was asked."""

    has_dnssec = True

    def __init__(
        self,
        *addresses: str,
        dnssec: DNSSEC = DNSSEC.SECURE,
        tlsa: Mapping[str, tuple[TLSARecord, ...]] | None = None,
        tlsa_dnssec: DNSSEC = DNSSEC.SECURE,
        canonical_name: str = HOST,
        failure: DiscoveryError | None = None,
        has_dnssec: bool = True,
    ) -> None:
        self.found, self.standing, self.canonical_name = addresses, dnssec, canonical_name
        self.records = dict(tlsa or {})
        self.tlsa_standing, self.failure = tlsa_dnssec, failure
        self.has_dnssec = has_dnssec
        self.asked: list[str] = []

    async def addresses(self, host: str) -> Answer[str]:
        self.asked.append(host)
        return Answer(host, self.found, self.standing, canonical_name=self.canonical_name)

    async def tlsa(self, host: str, port: int) -> Answer[TLSARecord]:
        self.asked.append(f"_{port}._tcp.{host}")
        if self.failure is not None:
            raise self.failure
        return Answer(host, self.records.get(host, ()), self.tlsa_standing, canonical_name=host)
