"""From a mail address to a plan (RFC 6186, RFC 8314 section 5.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from securemail.account import Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.discovery.finding import Finding
from securemail.discovery.names import domain_of
from securemail.discovery.plan import Plan, plan_of
from securemail.discovery.wanted import still_wanted
from securemail.errors import DeadlineError, DiscoveryError, DiscoveryReason
from securemail.minimum import RFC_MINIMUM, Policy
from securemail.setup.source import Question, Source
from securemail.setup.sources import default_sources
from securemail.trust import TrustStore

# A person waits. `connect` is what one source may take for all its DNS questions together.
DISCOVERY_TIMEOUTS: Final = Timeouts(connect=10.0, tls=10.0, greeting=10.0, command=10.0, total=40)


async def discover(
    address: str,
    *,
    resolver: Resolver | None = None,
    policy: Policy = RFC_MINIMUM,
    trust: TrustStore | None = None,
    sources: Iterable[Source] | None = None,
    timeouts: Timeouts = DISCOVERY_TIMEOUTS,
) -> Plan:
    """Return the servers of a mail address, best first, and what may be done with each.

    `sources` are asked in turn, each for the services that those before it had nothing for; by
    default SRV records, the provider's configuration file, and well-known names in the domain.
    No password is involved, and nothing connects to a host that a person has yet to confirm.
    `policy` and `trust` are those of the account to come; call `plan.account()` next.

    Raises: DiscoveryError when nothing was found, and for forged answers (its `reason` says which);
    DeadlineError after `timeouts.total`; UsageError for what is no mail address.
    """
    domain = domain_of(address)
    question = Question(
        address=address,
        domain=domain,
        services=frozenset(Service),
        resolver=resolver or Resolver.system(),
        trust=trust or TrustStore.system(),
        timeouts=timeouts,
    )
    chosen = default_sources() if sources is None else tuple(sources)
    try:
        async with asyncio.timeout(timeouts.total) as timer:
            return await _ask(question, chosen, policy)
    except TimeoutError as exc:
        if not timer.expired():
            raise
        raise DeadlineError(
            f"finding the servers of {domain} took longer than {timeouts.total:g} s",
            phase="discover",
            seconds=timeouts.total,
        ) from exc


async def _ask(question: Question, sources: tuple[Source, ...], policy: Policy) -> Plan:
    findings: list[Finding] = []
    failures: list[DiscoveryError] = []
    plan = _plan(question, findings, policy)
    for source in sources:
        wanted = still_wanted(plan, question.services)
        if not wanted:
            break
        try:
            findings.append(await source.find(replace(question, services=wanted)))
        except DiscoveryError as exc:
            if exc.reason is DiscoveryReason.BOGUS:
                raise
            failures.append(exc)
            findings.append(Finding(source=source.name, notes=(f"{source.name}: {exc}",)))
        plan = _plan(question, findings, policy)
    if not plan.found:
        raise _nothing(plan, question.domain, failures)
    return plan


def _plan(question: Question, findings: list[Finding], policy: Policy) -> Plan:
    return plan_of(question.address, question.domain, findings, policy=policy, trust=question.trust)


def _nothing(plan: Plan, domain: str, failures: list[DiscoveryError]) -> DiscoveryError:
    """Return what to say when there is no server: what failed first is why."""
    said = f"no mail server was found for {domain}"
    reason = failures[0].reason if failures else DiscoveryReason.NOT_FOUND
    return DiscoveryError("; ".join([said, *plan.notes]), reason=reason)
