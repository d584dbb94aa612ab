"""From an endpoint to what the DNS knows about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from securemail.account import Account, Endpoint, Service
from securemail.aio.resolver import Resolver
from securemail.errors import ConnectError, UsageError
from securemail.records import DNSSEC, Answer, TLSARecord


@dataclass(frozen=True, slots=True)
class Route:
    """The addresses to dial, best first, and the TLSA records that bind the server.

    `tlsa_base` is the name at which the records stand (RFC 7671 section 7).
    """

    addresses: tuple[str, ...]
    tlsa: tuple[TLSARecord, ...] = ()
    tlsa_base: str = ""


def endpoint_of(account: Account, service: Service) -> Endpoint:
    """Return where `service` of `account` is.

    Raises: UsageError when the account has none.
    """
    endpoint = account.endpoint(service)
    if endpoint is None:
        raise UsageError(f"{account.address} has none", field=f"Account.{service.name.lower()}")
    return endpoint


async def route_of(account: Account, endpoint: Endpoint, resolver: Resolver | None) -> Route:
    """Return the way to `endpoint` as `account` goes it; `resolver` is None where none was given.

    Behind a proxy the addresses are the proxy's own. It looks the server's name up, and we do not:
    whoever uses a proxy may not want their network to know where they go. Only a resolver that the
    program gave, and that checks DNSSEC, is asked about the server: for its TLSA records.

    Raises: UsageError for an account that wants DANE behind a proxy, without such a resolver;
    otherwise as `find_route`.
    """
    names, proxy = resolver or Resolver.system(), account.proxy
    if proxy is None:
        return await find_route(endpoint, names)
    may_ask = resolver is not None and resolver.has_dnssec
    if account.policy.require_dane and not may_ask:
        raise UsageError("DANE behind a proxy needs one that checks DNSSEC", field="resolver")
    try:
        own = (await names.addresses(proxy.host)).records
    except ConnectError as exc:
        raise ConnectError(str(exc), phase="proxy") from exc
    if not may_ask:
        return Route(own)
    return replace(await find_route(endpoint, names), addresses=own)


async def find_route(endpoint: Endpoint, resolver: Resolver) -> Route:
    """Return the way to `endpoint`; the addresses of one that has its own are not looked up.

    TLSA records count if their whole path is DNSSEC-secure: that of the addresses, too
    (RFC 7671, RFC 7673). Then a failed look-up is an error: to go on without the records is what
    whoever made it fail would like.

    Raises: ConnectError when the name has no address; DiscoveryError when the answer is bogus, or
    the TLSA records cannot be had.
    """
    addresses = await _addresses(endpoint, resolver)
    if addresses.dnssec is DNSSEC.SECURE:
        for base in dict.fromkeys((addresses.canonical_name, endpoint.host)):
            found = await resolver.tlsa(base, endpoint.port)
            if found.dnssec is DNSSEC.SECURE and found.records:
                return Route(addresses.records, found.records, base)
    return Route(addresses.records)


async def _addresses(endpoint: Endpoint, resolver: Resolver) -> Answer[str]:
    host = endpoint.host
    if not endpoint.addresses and not endpoint.is_address:
        return await resolver.addresses(host)
    # What the account itself says is as good as signed; a host that is an address has no records.
    is_signed = resolver.has_dnssec and not endpoint.is_address
    standing = DNSSEC.SECURE if is_signed else DNSSEC.UNCHECKED
    return Answer(host, endpoint.addresses or (host,), standing, canonical_name=host)
