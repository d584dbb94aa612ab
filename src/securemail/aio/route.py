"""From an endpoint to what the DNS knows about it."""

from __future__ import annotations

from dataclasses import dataclass

from securemail.account import Endpoint
from securemail.aio.resolver import Resolver
from securemail.records import TLSARecord


@dataclass(frozen=True, slots=True)
class Route:
    """The addresses to dial, best first, and the TLSA records that bind the server there."""

    addresses: tuple[str, ...]
    tlsa: tuple[TLSARecord, ...] = ()


async def find_route(endpoint: Endpoint, resolver: Resolver) -> Route:
    """Return the way to `endpoint`; one with addresses of its own is not looked up.

    Raises: ConnectError when the name has no address.
    """
    if endpoint.addresses:
        return Route(endpoint.addresses)
    answer = await resolver.addresses(endpoint.host)
    return Route(answer.records)
