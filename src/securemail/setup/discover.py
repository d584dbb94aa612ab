"""From a mail address to a plan (RFC 6186, RFC 8314 section 5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from securemail.account import Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.discovery.names import domain_of
from securemail.discovery.plan import Plan
from securemail.errors import DiscoveryError, DiscoveryReason
from securemail.minimum import RFC_MINIMUM, Policy
from securemail.setup.look import DISCOVERY_TIMEOUTS, look
from securemail.setup.source import Question, Source
from securemail.setup.sources import default_sources
from securemail.trust import TrustStore

_NO_DNS: Final = (DiscoveryReason.UNREACHABLE, DiscoveryReason.TIMEOUT)


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
    plan, failures = await look(
        question, default_sources() if sources is None else tuple(sources), policy
    )
    if not plan.found:
        raise _nothing(plan, domain, failures)
    return plan


def _nothing(plan: Plan, domain: str, failures: Sequence[DiscoveryError]) -> DiscoveryError:
    """Return what to say when there is no server: what failed first is why."""
    said = f"no mail server was found for {domain}"
    reason = failures[0].reason if failures else DiscoveryReason.NOT_FOUND
    # Without a DNS all sources fail for the same reason, each in more words.
    notes = plan.notes[:1] if reason in _NO_DNS else plan.notes
    return DiscoveryError("; ".join([said, *notes]), reason=reason)
