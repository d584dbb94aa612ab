"""TLS that an account without a minimum could ask for from now on (RFC 8314 section 5).

No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from securemail.account import Account, Endpoint, Service, TLSMode
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
