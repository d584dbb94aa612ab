"""Asks sources in turn, within a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from securemail.aio.clock import Timeouts
from securemail.discovery.finding import Finding
from securemail.discovery.plan import Plan, plan_of
from securemail.discovery.wanted import still_wanted
from securemail.errors import DeadlineError, DiscoveryError, DiscoveryReason
from securemail.minimum import Policy
from securemail.setup.source import Question, Source

# A person waits. `connect` is what one source may take for all its DNS questions together.
DISCOVERY_TIMEOUTS: Final = Timeouts(connect=10.0, tls=10.0, greeting=10.0, command=10.0, total=40)


async def look(
    question: Question, sources: Sequence[Source], policy: Policy
) -> tuple[Plan, list[DiscoveryError]]:
    """Return what was found, and what could not be found out.

    Raises: DiscoveryError for a forged answer; DeadlineError.
    """
    seconds = question.timeouts.total
    try:
        async with asyncio.timeout(seconds) as timer:
            return await _ask(question, sources, policy)
    except TimeoutError as exc:
        if not timer.expired():
            raise
        raise DeadlineError(
            f"finding the servers of {question.domain} took longer than {seconds:g} s",
            phase="discover",
            seconds=seconds,
        ) from exc


async def _ask(
    question: Question, sources: Sequence[Source], policy: Policy
) -> tuple[Plan, list[DiscoveryError]]:
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
    return plan, failures


def _plan(question: Question, findings: Sequence[Finding], policy: Policy) -> Plan:
    return plan_of(question.address, question.domain, findings, policy=policy, trust=question.trust)
