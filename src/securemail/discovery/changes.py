"""What a provider advertises now, held against what an account has (RFC 8314 section 5.1).

No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.discovery.candidate import Candidate
from securemail.discovery.choice import confirmed_hosts
from securemail.discovery.endpoints import with_endpoint
from securemail.discovery.plan import Plan
from securemail.errors import ConfirmationRequired, UsageError
from securemail.minimum import Policy

_STRENGTH: Final = {TLSMode.NONE: 0, TLSMode.STARTTLS: 1, TLSMode.IMPLICIT: 2}


class ChangeKind(Enum):
    """What has become of a server that an account uses."""

    BETTER = "better protected"
    """TLS where there was none, or implicit TLS where there was STARTTLS: an offer."""
    MOVED = "moved"
    """The provider names another server, in the same TLS mode: an offer."""
    WORSE = "less protected"
    """Only less than the account has is advertised now. It is reported and cannot be accepted."""
    WITHDRAWN = "not offered any more"
    """The domain says that it does not have the service."""


_OFFERS: Final = frozenset({ChangeKind.BETTER, ChangeKind.MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One service of an account that is advertised otherwise than it is configured."""

    service: Service
    kind: ChangeKind
    configured: Endpoint
    candidate: Candidate | None = None

    @property
    def advertised(self) -> Endpoint | None:
        """Where the provider says that the service is now."""
        return self.candidate.endpoint if self.candidate else None

    @property
    def is_offer(self) -> bool:
        """Whether it may be accepted; nothing is ever changed unasked."""
        return self.kind in _OFFERS

    @property
    def needs_confirmation(self) -> bool:
        """Whether a person must accept the new host; the one in use was accepted at setup."""
        if self.candidate is None or self.candidate.endpoint.host == self.configured.host:
            return False
        return self.candidate.needs_confirmation

    def __str__(self) -> str:
        had = f"{self.configured}, {self.configured.tls.value}"
        said = f"{self.service.value}: {self.kind.value}; the account has {had}"
        return f"{said}; advertised is {self.candidate}" if self.candidate else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All changes for one account; none, and it is false. The account itself is as it was."""

    account: Account
    found: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Change]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def accept(
        self, *changes: Change, confirm: Iterable[str] = (), policy: Policy | None = None
    ) -> Account:
        """Return the account with these changes made. Connects to nothing.

        `confirm` are the hosts that a person has accepted. `policy` replaces the account's: where
        TLS has come to all its servers, `Policy()` turns the minimum on.

        Raises: ConfirmationRequired; UsageError for a change that is no offer or not of this
        account, and for a policy with a minimum while a server is left without TLS.
        """
        account = self.account
        confirmed = confirmed_hosts(confirm)
        for change in changes:
            new = _offered(change, self.found)
            if change.needs_confirmation and new.host not in confirmed:
                raise ConfirmationRequired(
                    f"a person must say whether the mail has moved to {new.host}", hosts=[new.host]
                )
            account = with_endpoint(account, change.service, new)
        return account if policy is None else replace(account, policy=policy)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.found), *self.notes])


def _offered(change: Change, found: Sequence[Change]) -> Endpoint:
    new = change.advertised
    if change not in found or not change.is_offer or new is None:
        raise UsageError(f"it cannot be accepted: {change}", field="changes")
    if new.host == change.configured.host:
        return replace(new, addresses=change.configured.addresses)
    return new


def changes_between(account: Account, plan: Plan) -> tuple[Change, ...]:
    """Return what `plan` advertises otherwise than `account` has it.

    A service about which nothing is known now has not changed.
    """
    compared = (_compare(account, plan, service) for service in Service)
    return tuple(change for change in compared if change is not None)


def _compare(account: Account, plan: Plan, service: Service) -> Change | None:
    configured = account.endpoint(service)
    if configured is None:
        return None
    advertised = plan.candidates(service)
    live = [candidate for candidate in advertised if not candidate.is_ignored]
    if not advertised:
        is_gone = service in plan.not_offered
        return _change(ChangeKind.WITHDRAWN, service, configured) if is_gone else None
    if not live:
        return _change(ChangeKind.WORSE, service, configured, advertised[0])
    best = _best(live, configured)
    gain = _STRENGTH[best.endpoint.tls] - _STRENGTH[configured.tls]
    if gain > 0:
        return _change(ChangeKind.BETTER, service, configured, best)
    if any(_is_same(candidate.endpoint, configured) for candidate in live):
        return None
    kind = ChangeKind.WORSE if gain < 0 else ChangeKind.MOVED
    return _change(kind, service, configured, best)


def _best(live: Sequence[Candidate], configured: Endpoint) -> Candidate:
    """Return the best protected; then one that needs no new confirmation; then the plan's order."""

    def rank(candidate: Candidate) -> tuple[int, bool]:
        is_known = candidate.usable or candidate.endpoint.host == configured.host
        return (-_STRENGTH[candidate.endpoint.tls], not is_known)

    return min(live, key=rank)


def _is_same(one: Endpoint, other: Endpoint) -> bool:
    return (one.host, one.port, one.tls) == (other.host, other.port, other.tls)


def _change(
    kind: ChangeKind, service: Service, configured: Endpoint, candidate: Candidate | None = None
) -> Change:
    return Change(service=service, kind=kind, configured=configured, candidate=candidate)
