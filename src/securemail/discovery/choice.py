"""Which of the servers found an account gets (RFC 8314 section 5.1). No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from securemail.account import Service, TLSMode
from securemail.discovery.candidate import Candidate
from securemail.discovery.names import canonical_host
from securemail.errors import (
    ConfirmationRequired,
    DiscoveryError,
    DiscoveryReason,
    UsageError,
)


def choose(
    found: Sequence[Candidate],
    *,
    services: Iterable[Service],
    confirm: Iterable[str],
    insist: Iterable[Candidate],
) -> list[Candidate]:
    """Return at most one candidate for each service.

    Raises: ConfirmationRequired, DiscoveryError, UsageError, as `Plan.account()`.
    """
    confirmed = confirmed_hosts(confirm)
    wanted = _insisted(found, insist)
    chosen = [wanted.get(service) or _best(found, service) for service in services]
    taken = [candidate for candidate in chosen if candidate is not None]
    require_confirmation(taken, confirmed)
    if not taken:
        raise DiscoveryError(_nothing(found), reason=DiscoveryReason.NOT_FOUND)
    return taken


def confirmed_hosts(confirm: Iterable[str]) -> frozenset[str]:
    """Return the hosts that a person has accepted, as an `Endpoint` keeps them.

    Raises: UsageError for what is no host name, and for one text instead of several.
    """
    if isinstance(confirm, str):
        raise UsageError("a collection of hosts is wanted, not one text", field="confirm")
    return frozenset(canonical_host(host, "confirm") for host in confirm)


def require_confirmation(taken: Iterable[Candidate], confirmed: frozenset[str]) -> None:
    """Make sure that a person has accepted each host that needs it.

    Raises: ConfirmationRequired with those that they have not (RFC 6186 section 6).
    """
    doubtful = [each.endpoint.host for each in taken if each.needs_confirmation]
    missing = [host for host in dict.fromkeys(doubtful) if host not in confirmed]
    if missing:
        raise ConfirmationRequired(
            "a person must say whether the mail is there, before anything connects to "
            + ", ".join(missing),
            hosts=missing,
        )


def _best(found: Sequence[Candidate], service: Service) -> Candidate | None:
    """Return the first that is not ignored; one without TLS only where the plan has no other."""
    live = [candidate for candidate in found if not candidate.is_ignored]
    if any(candidate.endpoint.tls is not TLSMode.NONE for candidate in live):
        live = [candidate for candidate in live if candidate.endpoint.tls is not TLSMode.NONE]
    return next((candidate for candidate in live if candidate.service is service), None)


def _insisted(found: Sequence[Candidate], insist: Iterable[Candidate]) -> dict[Service, Candidate]:
    wanted: dict[Service, Candidate] = {}
    for candidate in insist:
        if candidate not in found:
            raise UsageError(f"{candidate} is not in this plan", field="insist")
        if candidate.is_ignored:
            raise UsageError(f"it cannot be used: {candidate}", field="insist")
        if wanted.setdefault(candidate.service, candidate) != candidate:
            raise UsageError(f"two servers for {candidate.service.value}", field="insist")
    return wanted


def _nothing(found: Sequence[Candidate]) -> str:
    if not found:
        return "no server was found"
    return "no server can be used: " + "; ".join(map(str, found))
