"""A look-up that is validated from a trust anchor on (RFC 4035, RFC 5155, RFC 6840). No I/O here.

`look_up` yields the questions that it needs answered, and ends with what was found:

    steps = look_up(name, rdtype, anchors=Anchors.root(), now=now)
    question = next(steps)
    while True:
        question = steps.send(answer_to(question))     # StopIteration.value is the Found
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
from dns.rdatatype import CNAME, DS, SOA, RdataType

from securemail import limits
from securemail.discovery.dnssec_anchor import Anchors
from securemail.discovery.dnssec_chain import (
    Belief,
    Chain,
    Question,
    Signed,
    Steps,
    alias_of,
    denial_signer,
    find,
)
from securemail.discovery.inspection import Inspection, bogus
from securemail.errors import DiscoveryError, DiscoveryReason
from securemail.records import DNSSEC

__all__ = ["Found", "Question", "Steps", "look_up", "weakest"]

_ORDER: Final = (DNSSEC.UNCHECKED, DNSSEC.INSECURE, DNSSEC.SECURE)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up ends with: records, or the certainty that there are none."""

    records: tuple[dns.rdata.Rdata, ...]
    dnssec: DNSSEC
    canonical_name: dns.name.Name
    ttl_s: int


@dataclass(frozen=True, slots=True)
class _Step:
    belief: Belief
    records: tuple[dns.rdata.Rdata, ...] = ()
    alias: dns.name.Name | None = None


def look_up(name: dns.name.Name, rdtype: RdataType, *, anchors: Anchors, now: int) -> Steps[Found]:
    """Find the records of `name`, follow its aliases, and validate each step.

    `now` is in seconds since 1970. A zone that no anchor is above is UNCHECKED.

    Raises: DiscoveryError for what is bogus, past the bounds, and for an answer that is a failure.
    """
    chain = Chain(anchors, Inspection(now))
    standing, ttl_s = DNSSEC.SECURE, limits.DNS_TTL_S
    alias, message = name, None
    for _ in range(limits.DNS_ALIASES + 1):
        # A resolver sends the targets of an alias along; what it does not is asked for.
        if message is None or not _is_about(message, alias, rdtype):
            message = yield from chain.ask(alias, rdtype)
            _check_rcode(message, alias)
        step = yield from _step(message, Question(alias, rdtype), chain)
        standing = weakest(standing, step.belief.standing)
        ttl_s = min(ttl_s, step.belief.ttl_s)
        if step.alias is None:
            return Found(step.records, standing, alias, ttl_s)
        alias = step.alias
    raise DiscoveryError(
        f"{name} is an alias of more than {limits.DNS_ALIASES} names", reason=DiscoveryReason.LIMIT
    )


def weakest(*standings: DNSSEC) -> DNSSEC:
    """Return the standing of something that rests on all of these."""
    return min(standings, key=_ORDER.index)


def _is_about(message: dns.message.Message, name: dns.name.Name, rdtype: RdataType) -> bool:
    return any(find(message.answer, name, each) is not None for each in (rdtype, CNAME))


def _check_rcode(message: dns.message.Message, name: dns.name.Name) -> None:
    rcode = message.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise DiscoveryError(
            f"the answer for {name} is {dns.rcode.to_text(rcode)}",
            reason=DiscoveryReason.SERVER_FAILURE,
        )


def _step(message: dns.message.Message, question: Question, chain: Chain) -> Steps[_Step]:
    """Judge what a message says about one name: records, an alias, or nothing."""
    signed = alias_of(message, question.name)
    if signed is not None and question.rdtype != CNAME:
        belief = yield from _believe(signed, chain, message)
        return _Step(belief, alias=_target(question.name, signed))
    signed = find(message.answer, question.name, question.rdtype)
    if signed is not None:
        belief = yield from _believe(signed, chain, message)
        return _Step(belief, records=tuple(signed.rrset))
    return _Step((yield from _nothing(message, question, chain)))


def _believe(signed: Signed, chain: Chain, message: dns.message.Message) -> Steps[Belief]:
    owner = signed.rrset.name
    zone = yield from chain.zone(signed.signer or _home(owner, signed.rrset.rdtype))
    if zone.standing is DNSSEC.SECURE and not signed.signatures:
        what = f"{owner} {dns.rdatatype.to_text(signed.rrset.rdtype)}"
        raise bogus(f"{what}: it has no signature, and {zone.name} is a signed zone")
    return chain.believe(signed, zone, message)


def _nothing(message: dns.message.Message, question: Question, chain: Chain) -> Steps[Belief]:
    signer = denial_signer(message)
    if signer is None or not question.name.is_subdomain(signer):
        signer = _home(question.name, question.rdtype)
    zone = yield from chain.zone(signer)
    if zone.standing is not DNSSEC.SECURE:
        return Belief(zone.standing, _negative_ttl(message))
    denial, ttl_s = chain.deny(question, zone, message)
    return Belief(denial.standing, min(ttl_s, chain.ttl_of_absence(zone, message)))


def _home(name: dns.name.Name, rdtype: RdataType) -> dns.name.Name:
    """Return the name whose zone has these records: the DS of a zone is its parent's."""
    return name.parent() if rdtype == DS and name != dns.name.root else name


def _target(name: dns.name.Name, alias: Signed) -> dns.name.Name:
    """Return where an alias leads: a DNAME by itself, without its CNAME (RFC 6672 section 2.2)."""
    owner = alias.rrset.name
    target: dns.name.Name = alias.rrset[0].target
    if owner == name:
        return target
    try:
        return name.relativize(owner).derelativize(target)
    except dns.name.NameTooLong as exc:
        raise DiscoveryError(
            f"{name} is too long below {target}", reason=DiscoveryReason.MALFORMED
        ) from exc


def _negative_ttl(message: dns.message.Message) -> int:
    """Return for how long an unsigned absence holds (RFC 2308 section 5)."""
    soas = [rrset for rrset in message.authority if rrset.rdtype == SOA]
    return min((min(rrset.ttl, rrset[0].minimum) for rrset in soas), default=0)
