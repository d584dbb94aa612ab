"""One server that an account might use, and whether it may be believed (RFC 6186 section 6).

No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass

from securemail.account import Endpoint, Service, TLSMode
from securemail.discovery.finding import Advertised
from securemail.discovery.names import is_inside
from securemail.minimum import Policy
from securemail.records import DNSSEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A server that was found for one service of an address.

    `usable`: it meets the account's minimum, and may be connected to. `needs_confirmation`: it
    would, but it lies outside the address's domain and nothing signed names it: a person must
    accept the host before anything connects to it. Neither: it is below the minimum, or was
    withdrawn, and is listed with the reason.

    `source` is what named it, `dnssec` how far that is to be believed, `reasons` are sentences for
    a person. `username` is the name to log in with, where the source knows it.
    """

    service: Service
    endpoint: Endpoint
    source: str
    dnssec: DNSSEC
    needs_confirmation: bool
    usable: bool
    reasons: tuple[str, ...] = ()
    username: str = ""

    @property
    def is_ignored(self) -> bool:
        """Whether it is only listed: neither usable nor to be made so by a confirmation."""
        return not (self.usable or self.needs_confirmation)

    def __str__(self) -> str:
        state = "usable" if self.usable else "ignored"
        state = "to be confirmed" if self.needs_confirmation else state
        where = f"{self.endpoint}, {self.endpoint.tls.value} ({self.source}, {state})"
        return "; ".join([where, *self.reasons])


def judge(server: Advertised, source: str, domain: str, policy: Policy) -> Candidate:
    """Return the server as a candidate of `domain` under `policy` (RFC 8314 section 5.1)."""
    is_below = server.endpoint.tls is TLSMode.NONE and policy.has_minimum
    is_signed = server.dnssec is DNSSEC.SECURE
    is_believed = is_signed or is_inside(server.endpoint.host, domain)
    return Candidate(
        service=server.service,
        endpoint=server.endpoint,
        source=source,
        dnssec=server.dnssec,
        needs_confirmation=not is_believed and not is_below,
        usable=is_believed and not is_below,
        reasons=(*server.reasons, *_why(server, domain, policy)),
        username=server.username,
    )


def _why(server: Advertised, domain: str, policy: Policy) -> list[str]:
    reasons = []
    if server.endpoint.tls is TLSMode.NONE:
        below = ": below the account's minimum, and ignored" if policy.has_minimum else ""
        reasons.append(f"it has no TLS, and anyone on the way can read what it is told{below}")
    if server.dnssec is DNSSEC.SECURE:
        reasons.append("what names it is signed (DNSSEC)")
    elif is_inside(server.endpoint.host, domain):
        reasons.append(f"it lies in {domain}")
    else:
        reasons.append(f"it lies outside {domain}, and nothing signed names it")
    return reasons
