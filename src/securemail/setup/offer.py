"""TLS that an account without a minimum could ask for from now on (RFC 8314 section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.discovery.endpoints import with_endpoint
from securemail.minimum import RFC_MINIMUM
from securemail.policy.confidentiality import Confidentiality

_STARTTLS: Final = frozenset({"STARTTLS", "STLS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSOffer:
    """TLS is there for `service` at `endpoint`: ask the person whether to insist on it."""

    service: Service
    endpoint: Endpoint
    reason: str

    def __str__(self) -> str:
        where = f"{self.endpoint}, {self.endpoint.tls.value}"
        return f"{self.service.value}: {self.reason}; ask for it always ({where})?"


def tls_offer(
    account: Account,
    service: Service,
    *,
    confidentiality: Confidentiality,
    capabilities: frozenset[str],
) -> TLSOffer | None:
    """Return what an account without a minimum could have, going by one connection of it.

    None for an account that has a minimum, and where there is nothing to offer. Capabilities heard
    in cleartext are hearsay; that is enough for an offer, since the minimum will want proof.
    """
    endpoint = account.endpoint(service)
    if endpoint is None or account.policy.has_minimum:
        return None
    if not confidentiality.shortfalls:
        return TLSOffer(
            service=service, endpoint=endpoint, reason="the connection was encrypted and proved"
        )
    if endpoint.tls is TLSMode.NONE and capabilities & _STARTTLS:
        upgraded = replace(endpoint, tls=TLSMode.STARTTLS)
        return TLSOffer(service=service, endpoint=upgraded, reason="the server offers STARTTLS")
    return None


def with_offers(account: Account, offers: Iterable[TLSOffer]) -> Account:
    """Return the account as it is once a person has taken the offers.

    With one for each of its services, the minimum of RFC 8314 holds from then on.
    """
    taken = {offer.service: offer for offer in offers}
    for offer in taken.values():
        account = with_endpoint(account, offer.service, offer.endpoint)
    has_all = all(service in taken for service in Service if account.endpoint(service) is not None)
    return replace(account, policy=RFC_MINIMUM) if taken and has_all else account
