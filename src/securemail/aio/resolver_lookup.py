"""Look-ups in the DNS: the machine of `discovery`, its questions asked, its answers kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from enum import Enum

import dns.flags
import dns.message
import dns.name
from dns.rdatatype import SOA, RdataType

from securemail import limits
from securemail.aio.resolver_ask import MalformedMessage, Upstream, parsed
from securemail.aio.resolver_cache import Shared, TTLCache
from securemail.discovery.dnssec import Found, Question, look_up
from securemail.discovery.dnssec_anchor import Anchors
from securemail.errors import DiscoveryError, DiscoveryReason
from securemail.records import DNSSEC


class DNSTrust(Enum):
    """Whose word on signatures counts."""

    VALIDATE = "validate"
    """Ours: every signature is checked here, from the root on. The resolver need not be trusted."""
    AD = "ad"
    """The resolver's, on this computer or over TLS: its AD bit (RFC 6840 section 5.8)."""
    NONE = "none"
    """Nobody's: answers are taken as they come."""


_FLAGS = {
    # Checking disabled: we want to see what is bogus, not to be told SERVFAIL (RFC 4035 3.2.2).
    DNSTrust.VALIDATE: dns.flags.RD | dns.flags.CD,
    DNSTrust.AD: dns.flags.RD | dns.flags.AD,
    DNSTrust.NONE: dns.flags.RD,
}


def upstream(
    servers: tuple[tuple[str, int], ...], tls_name: str | None, trust: DNSTrust
) -> Upstream:
    """Return the resolvers, asked in the way that `trust` needs."""
    return Upstream(servers, tls_name, _FLAGS[trust], trust is not DNSTrust.NONE)


@dataclass(slots=True)
class Lookups:
    """Finds records, as far as `trust` goes: at most `timeout_s` seconds each."""

    upstream: Upstream
    trust: DNSTrust
    anchors: Anchors
    timeout_s: float
    _found: TTLCache[Question, Found] = field(default_factory=lambda: TTLCache(limits.DNS_CACHED))
    _messages: TTLCache[Question, bytes] = field(
        default_factory=lambda: TTLCache(limits.DNS_CACHED_MESSAGES)
    )
    _finding: Shared[Question, Found] = field(default_factory=Shared)
    _asking: Shared[Question, bytes] = field(default_factory=Shared)

    async def find(self, name: dns.name.Name, rdtype: RdataType) -> Found:
        """Return the records of a name, or that there are none.

        Raises: DiscoveryError.
        """
        question = Question(name, rdtype)
        kept = self._found.get(question)
        if kept is not None:
            return replace(kept[0], ttl_s=kept[1])
        return await self._finding.run(question, lambda: self._find(question))

    async def _find(self, question: Question) -> Found:
        try:
            async with asyncio.timeout(self.timeout_s):
                found, used = await self._walk(question)
        except TimeoutError as exc:
            raise DiscoveryError(
                f"looking up {question} took longer than {self.timeout_s:g} s",
                reason=DiscoveryReason.TIMEOUT,
            ) from exc
        # Only what led to an answer is kept: after a forgery the next look-up asks anew.
        for each, data in used.items():
            self._messages.put(each, data, _ttl(parsed(data)))
        if len(found.records) <= limits.DNS_CACHED_RECORDS:
            self._found.put(question, found, found.ttl_s)
        return found

    async def _walk(self, question: Question) -> tuple[Found, dict[Question, bytes]]:
        used: dict[Question, bytes] = {}
        steps = look_up(question.name, question.rdtype, anchors=self.anchors, now=int(time.time()))
        wanted = next(steps)
        is_authenticated = True
        while True:
            data = await self._message(wanted)
            message = parsed(data)
            used.setdefault(wanted, data)
            is_authenticated = is_authenticated and bool(message.flags & dns.flags.AD)
            try:
                wanted = steps.send(message)
            except StopIteration as end:
                found: Found = end.value
                return self._graded(found, is_authenticated=is_authenticated), used

    def _graded(self, found: Found, *, is_authenticated: bool) -> Found:
        if self.trust is not DNSTrust.AD:
            return found
        standing = DNSSEC.SECURE if is_authenticated else DNSSEC.INSECURE
        return replace(found, dnssec=standing)

    async def _message(self, question: Question) -> bytes:
        kept = self._messages.get(question)
        if kept is not None:
            return kept[0]
        return await self._asking.run(question, lambda: self.upstream.ask(question))


def _ttl(message: dns.message.Message) -> int:
    """Return for how long a message may be used again: its shortest-lived part says."""
    sections = [*message.answer, *message.authority]
    negative = [rrset[0].minimum for rrset in message.authority if rrset.rdtype == SOA]
    return min([limits.DNS_TTL_S, *negative, *(rrset.ttl for rrset in sections)]) if sections else 0


__all__ = ["DNSTrust", "Lookups", "MalformedMessage", "upstream"]
