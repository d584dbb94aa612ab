"""What the provider advertises now (RFC 8314 section 5.1): asked from time to time, by a program.

No connection ever comes here: an answer of the DNS must not lead a configured account elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.discovery.changes import Changes, changes_between
from securemail.discovery.names import domain_of
from securemail.setup.look import DISCOVERY_TIMEOUTS, look
from securemail.setup.source import Question, Source
from securemail.setup.sources import SRV, Autoconfig


async def configuration_changes(
    account: Account,
    *,
    resolver: Resolver | None = None,
    sources: Iterable[Source] | None = None,
    timeouts: Timeouts = DISCOVERY_TIMEOUTS,
) -> Changes:
    """Return where the account's configuration differs from what its provider advertises now.

    The account stays as it is: show a person the changes, and make an account of those that they
    take with `changes.accept()`. By default SRV records and the provider's file are asked: guesses
    are not advertised. Once a day is often enough.

    Raises: DiscoveryError when nothing could be found out, and for forged answers; DeadlineError;
    UsageError for an account whose address has no domain.
    """
    services = (service for service in Service if account.endpoint(service) is not None)
    question = Question(
        address=account.address,
        domain=domain_of(account.address),
        services=frozenset(services),
        resolver=resolver or Resolver.system(),
        trust=account.trust,
        timeouts=timeouts,
    )
    asked = (SRV(), Autoconfig()) if sources is None else tuple(sources)
    plan, failures = await look(question, asked, account.policy)
    if failures and not (plan.found or plan.not_offered):
        raise failures[0]
    return Changes(account=account, found=changes_between(account, plan), notes=plan.notes)
