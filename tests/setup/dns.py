"""A DNS in memory, that may also be silent, late or broken."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from securemail import ConnectError, DiscoveryError, Resolver
from securemail.errors import DiscoveryReason
from securemail.records import DNSSEC, Answer, SRVRecord

LOOPBACK = "127.0.0.1"


@dataclass
class Zone(Resolver):
    """`records` by owner name. What is not there is proved not to be; `failures` come instead.

    Every name in `hosts` has the loopback address, or those given; `asked` is all that was asked.
    """

    records: Mapping[str, tuple[SRVRecord, ...]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dnssec: DNSSEC = DNSSEC.INSECURE
    failures: Mapping[str, DiscoveryReason] = field(default_factory=dict)
    is_silent: bool = False
    asked: list[str] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    most_at_once: int = 0
    _open: int = 0

    async def srv(self, label: str, domain: str) -> Answer[SRVRecord]:
        name = f"{label}.{domain}"
        await self._wait(name)
        if name in self.failures:
            raise DiscoveryError(f"no answer about {name}", reason=self.failures[name])
        return Answer(name, self.records.get(name, ()), self.dnssec, name)

    async def addresses(self, host: str) -> Answer[str]:
        await self._wait(host)
        if host not in self.hosts:
            raise ConnectError(f"no such host: {host}", phase="connect")
        return Answer(host, self.hosts[host], self.dnssec, host)

    async def _wait(self, name: str) -> None:
        self.asked.append(name)
        self.was_asked.set()
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            await (asyncio.Event().wait() if self.is_silent else asyncio.sleep(0))
        finally:
            self._open -= 1


def at(*hosts: str) -> dict[str, tuple[str, ...]]:
    """Return `hosts`, all of them on the loopback interface."""
    return dict.fromkeys(hosts, (LOOPBACK,))


def srv(target: str, port: int = 993, priority: int = 0, weight: int = 0) -> SRVRecord:
    return SRVRecord(priority, weight, port, target)
