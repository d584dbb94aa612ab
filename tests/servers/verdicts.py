"""What our validation says about a question, and what unbound's does: comparable."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from dns.name import Name
from dns.rdatatype import CNAME

from securemail import limits
from securemail.aio.resolver_lookup import DNSTrust, Lookups, upstream
from securemail.discovery.dnssec import Question
from securemail.discovery.dnssec_anchor import Anchors
from securemail.errors import DiscoveryError
from securemail.records import DNSSEC

TIMEOUT_S = 20.0
# unbound drops a question where it has waited too long for answers; a busy machine makes it wait.
ASKED_AT_MOST = 4


class Verdict(IntEnum):
    """How far an answer is believed: more is laxer."""

    REFUSED = 0
    """An error: bogus, or nothing that an answer could be made of."""
    INSECURE = 1
    SECURE = 2


_VERDICTS = {DNSSEC.SECURE: Verdict.SECURE, DNSSEC.INSECURE: Verdict.INSECURE}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what was found; `why` is in the judge's own words."""

    verdict: Verdict
    records: frozenset[str] = frozenset()
    why: str = field(default="", compare=False)


def validating(server: tuple[str, int], anchor: str) -> Lookups:
    """Return look-ups of ours that know nothing yet."""
    asked = upstream((server,), None, DNSTrust.VALIDATE)
    return Lookups(asked, DNSTrust.VALIDATE, Anchors.from_text(anchor), TIMEOUT_S)


async def ours(lookups: Lookups, question: Question) -> Judgement:
    """Return what we say."""
    try:
        found = await lookups.find(question.name, question.rdtype)
    except DiscoveryError as exc:
        return Judgement(Verdict.REFUSED, why=str(exc))
    records = frozenset(record.to_text() for record in found.records)
    return Judgement(_VERDICTS[found.dnssec], records)


async def theirs(server: tuple[str, int], question: Question) -> Judgement:
    """Return what a resolver that validates says: AD, no AD, or SERVFAIL."""
    query = dns.message.make_query(question.name, question.rdtype, want_dnssec=True)
    said = await _asked(query, server)
    if said.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Judgement(Verdict.REFUSED, why="; ".join(map(str, said.options)))
    verdict = Verdict.SECURE if said.flags & dns.flags.AD else Verdict.INSECURE
    return Judgement(verdict, _records(said, question))


async def _asked(query: dns.message.Message, server: tuple[str, int]) -> dns.message.Message:
    host, port = server
    for _ in range(ASKED_AT_MOST - 1):
        with suppress(dns.exception.Timeout):
            return await _ask(query, host, port)
    return await _ask(query, host, port)


async def _ask(query: dns.message.Message, host: str, port: int) -> dns.message.Message:
    said, _ = await dns.asyncquery.udp_with_fallback(query, host, port=port, timeout=TIMEOUT_S)
    return said


def _records(said: dns.message.Message, question: Question) -> frozenset[str]:
    name: Name = question.name
    for _ in range(limits.DNS_ALIASES + 1):
        for rrset in said.answer:
            if rrset.name == name and rrset.rdtype == question.rdtype:
                return frozenset(record.to_text() for record in rrset)
        aliases = [each for each in said.answer if each.name == name and each.rdtype == CNAME]
        if not aliases:
            break
        name = aliases[0][0].target
    return frozenset()
