"""All that was found for an address, judged and ranked (RFC 6186, RFC 8314 section 5.1).

No I/O here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from securemail.account import Account, Service, TLSMode
from securemail.credentials import Credentials
from securemail.discovery.candidate import Candidate, judge
from securemail.discovery.choice import choose
from securemail.discovery.endpoints import with_endpoint
from securemail.discovery.finding import Finding
from securemail.errors import ConfidentialityWarning
from securemail.minimum import Policy
from securemail.trust import TrustStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `discover()` has found for `address`: servers, best first, each with its source.

    `notes` are sentences about what was found and is no server: what could not be asked, what the
    domain does not offer. `not_offered` are the services that the domain says it does not have.
    """

    address: str
    policy: Policy
    trust: TrustStore
    found: tuple[Candidate, ...] = ()
    not_offered: frozenset[Service] = frozenset()
    notes: tuple[str, ...] = ()

    def candidates(self, service: Service) -> tuple[Candidate, ...]:
        """Return what was found for `service`, best first; the ignored ones come last."""
        return tuple(candidate for candidate in self.found if candidate.service is service)

    def account(
        self,
        *,
        credentials: Credentials | None = None,
        confirm: Iterable[str] = (),
        insist: Iterable[Candidate] = (),
        services: Iterable[Service] = tuple(Service),
    ) -> Account:
        """Return an account with the best server of each service; nothing is connected to.

        `confirm` are hosts that a person has accepted, `insist` candidates of this plan that they
        want instead of the best ones. A server without TLS is never taken by itself as long as the
        plan has one with TLS, for whichever service; where it is taken, ConfidentialityWarning says
        so (RFC 8314 section 5.1). Call `verify_account()` next.

        Raises: ConfirmationRequired with the hosts that a person must accept first; DiscoveryError
        when no server can be taken; UsageError for a server without TLS under a policy that has a
        minimum, and for candidates of another plan.
        """
        chosen = choose(self.found, services=services, confirm=confirm, insist=insist)
        account = Account(
            self.address, credentials=credentials, policy=self.policy, trust=self.trust
        )
        for each in chosen:
            account = with_endpoint(account, each.service, each.endpoint)
        bare = [str(each.endpoint) for each in chosen if each.endpoint.tls is TLSMode.NONE]
        if bare:
            warnings.warn(
                f"traffic to {', '.join(bare)} will not be encrypted, and will likely be read by "
                "others on the way: neither the password nor any message is private",
                ConfidentialityWarning,
                stacklevel=2,
            )
        return account

    def __str__(self) -> str:
        lines = [f"{self.address}:"]
        for service in Service:
            found = self.candidates(service)
            lines += [f"  {service.value}:"] if found else []
            lines += [f"    {place}. {each}" for place, each in enumerate(found, 1)]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def plan_of(
    address: str, domain: str, findings: Sequence[Finding], *, policy: Policy, trust: TrustStore
) -> Plan:
    """Return the plan for `address` at `domain` that follows from the findings.

    Servers with TLS come before those without; then the order of the findings counts; within one,
    what may be believed comes first, then the source's own preference. What a source says is not
    offered is not taken from one behind it.
    """
    ranked = []
    not_offered: frozenset[Service] = frozenset()
    for place, finding in enumerate(findings):
        for server in finding.servers:
            candidate = judge(server, finding.source, domain, policy)
            if server.service in not_offered:
                candidate = _withdrawn(candidate)
            ranked.append((_rank(candidate, place, server.preference), candidate))
        not_offered |= finding.not_offered
    ranked.sort(key=lambda row: row[0])
    return Plan(
        address=address,
        policy=policy,
        trust=trust,
        found=_merged(candidate for _, candidate in ranked),
        not_offered=not_offered,
        notes=tuple(note for finding in findings for note in finding.notes),
    )


def _rank(candidate: Candidate, place: int, preference: int) -> tuple[int, ...]:
    has_no_tls = candidate.endpoint.tls is TLSMode.NONE
    is_doubtful = candidate.needs_confirmation
    return (candidate.is_ignored, has_no_tls, place, is_doubtful, preference)


def _withdrawn(candidate: Candidate) -> Candidate:
    said = "the domain says that it does not offer this service"
    return replace(
        candidate, usable=False, needs_confirmation=False, reasons=(*candidate.reasons, said)
    )


def _merged(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return each server once, where it stands best, with the other sources that name it."""
    kept: dict[tuple[object, ...], Candidate] = {}
    for each in candidates:
        key = (each.service, each.endpoint.host, each.endpoint.port, each.endpoint.tls)
        first = kept.setdefault(key, each)
        if first.source != each.source:
            kept[key] = replace(
                first,
                reasons=(*first.reasons, f"{each.source} names it, too"),
                username=first.username or each.username,
            )
    return tuple(kept.values())
