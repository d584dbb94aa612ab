"""Names to addresses, and to what else the DNS knows about a mail service."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdtypes.ANY.TLSA
import dns.rdtypes.IN.SRV
import dns.resolver
import idna
from dns.rdatatype import AAAA, SRV, TLSA, A, RdataType

from securemail import limits
from securemail.aio.resolver_lookup import DNSTrust, Lookups, upstream
from securemail.discovery.dnssec import Found, weakest
from securemail.discovery.dnssec_anchor import Anchors
from securemail.errors import ConnectError, DiscoveryError, DiscoveryReason, UsageError
from securemail.records import DNSSEC, Answer, RecordT, SRVRecord, TLSARecord

# What a connect cannot tell from a network that is down.
_NETWORK: Final = frozenset(
    {
        DiscoveryReason.TIMEOUT,
        DiscoveryReason.UNREACHABLE,
        DiscoveryReason.REFUSED,
        DiscoveryReason.SERVER_FAILURE,
    }
)
_DNS_PORT: Final = 53

TLSARdata = dns.rdtypes.ANY.TLSA.TLSA
SRVRdata = dns.rdtypes.IN.SRV.SRV


class Resolver:
    """Looks up hosts and services in the DNS, and says how far the answers can be believed.

    `servers` are the resolvers to ask, (IP address, port) each, in this order. With `tls_name`, the
    name that their certificate must carry, they are asked over TLS (RFC 7858). `trust` says whose
    word on signatures counts; by default we validate from the root's keys on, or from `anchor`:
    the path of a file with DS or DNSKEY records, or its text. `timeout_s` bounds each look-up.

    Raises: UsageError naming the argument, as for `DNSTrust.AD` with a resolver that anybody on the
    network can speak for.
    """

    # As `system()` leaves them.
    _is_system = True
    _trust = DNSTrust.NONE
    _lookups: Lookups | None = None

    def __init__(
        self,
        servers: Sequence[tuple[str, int]],
        *,
        tls_name: str | None = None,
        trust: DNSTrust = DNSTrust.VALIDATE,
        anchor: str | Path | None = None,
        timeout_s: float = limits.DNS_LOOKUP_S,
    ) -> None:
        if not isinstance(trust, DNSTrust):
            raise UsageError(f"{trust!r} is not a DNSTrust", field="Resolver.trust")
        addresses = tuple(_server(server) for server in servers)
        if not addresses:
            raise UsageError("no resolver to ask", field="Resolver.servers")
        if trust is DNSTrust.AD and tls_name is None and not all(map(_is_loopback, addresses)):
            raise UsageError(
                "the AD bit of a resolver that is neither on this computer nor asked over TLS is "
                "anybody's word",
                field="Resolver.trust",
            )
        anchors = _anchors(anchor) if trust is DNSTrust.VALIDATE else Anchors({})
        asked = upstream(addresses, tls_name, trust)
        self._lookups = Lookups(asked, trust, anchors, timeout_s)
        self._is_system = False
        self._trust = trust

    @property
    def has_dnssec(self) -> bool:
        """Whether its answers can be DNSSEC-secure at all."""
        return self._trust is not DNSTrust.NONE

    @classmethod
    def system(cls) -> Resolver:
        """Return the resolver of this computer, its hosts file included. Nothing is validated."""
        return cls.__new__(cls)

    async def addresses(self, host: str) -> Answer[str]:
        """Return the IP addresses of `host`; an IP address is its own.

        Raises: ConnectError when there are none, or nobody can be asked; DiscoveryError for an
        answer that is forged or malformed.
        """
        if _is_address(host):
            return Answer(host, (host,), DNSSEC.UNCHECKED, host)
        if self._is_system:
            return await _system_addresses(host)
        name = _name(host, "host")
        try:
            async with asyncio.TaskGroup() as group:
                v6 = group.create_task(_caught(self._find(name, AAAA)))
                v4 = group.create_task(_caught(self._find(name, A)))
            return _joined(host, v6.result(), v4.result())
        except DiscoveryError as exc:
            if exc.reason not in _NETWORK:
                raise
            raise ConnectError(f"cannot look up {host}: {exc}", phase="connect") from exc

    async def tlsa(self, host: str, port: int) -> Answer[TLSARecord]:
        """Return what certificates `host` may show on TCP `port` (RFC 6698 section 3).

        Aliases are followed. No records, and SECURE: it is proved that there are none.

        Raises: DiscoveryError when that cannot be found out.
        """
        name = _name(host, "host", prefix=f"_{port}._tcp.")
        found = await self._find(name, TLSA)
        records = tuple(
            TLSARecord(each.usage, each.selector, each.mtype, bytes(each.cert))
            for each in found.records
            if isinstance(each, TLSARdata)
        )
        return _answer(name, found, records)

    async def srv(self, label: str, domain: str) -> Answer[SRVRecord]:
        """Return where `domain` has a service; `label` is as "_imaps._tcp" (RFC 6186).

        The order is the DNS's, and chance.

        Raises: DiscoveryError when that cannot be found out.
        """
        name = _name(domain, "domain", prefix=f"{label}.")
        found = await self._find(name, SRV)
        records = tuple(
            SRVRecord(each.priority, each.weight, each.port, _text(each.target))
            for each in found.records
            if isinstance(each, SRVRdata)
        )
        return _answer(name, found, records)

    async def _find(self, name: dns.name.Name, rdtype: RdataType) -> Found:
        if self._lookups is None:
            servers = await asyncio.to_thread(_configured_servers)
            lookups = upstream(servers, None, DNSTrust.NONE)
            self._lookups = Lookups(lookups, DNSTrust.NONE, Anchors({}), limits.DNS_LOOKUP_S)
        return await self._lookups.find(name, rdtype)


async def _system_addresses(host: str) -> Answer[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise ConnectError(f"cannot look up {host}: {reason}", phase="connect") from exc
    # A name may be listed once for each protocol; the order stays, best first (RFC 6724).
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    return Answer(host, addresses, DNSSEC.UNCHECKED, host)


def _configured_servers() -> tuple[tuple[str, int], ...]:
    try:
        configured = dns.resolver.Resolver(configure=True)
    except dns.exception.DNSException as exc:
        raise DiscoveryError(
            f"this computer has no resolver configured: {exc}", reason=DiscoveryReason.UNREACHABLE
        ) from exc
    addresses = [str(server) for server in configured.nameservers if _is_address(str(server))]
    return tuple((address, _DNS_PORT) for address in addresses)


async def _caught(finding: Coroutine[Any, Any, Found]) -> Found | DiscoveryError:
    """Return what was found or why not, so that one family does not end the other's look-up."""
    try:
        return await finding
    except DiscoveryError as exc:
        return exc


def _joined(host: str, v6: Found | DiscoveryError, v4: Found | DiscoveryError) -> Answer[str]:
    """Return the addresses of both families; one that nobody answers for is left out."""
    troubles = [each for each in (v6, v4) if isinstance(each, DiscoveryError)]
    found = [each for each in (v6, v4) if isinstance(each, Found)]
    forged = [each for each in troubles if each.reason not in _NETWORK]
    addresses = tuple(str(record) for each in found for record in each.records)
    if forged or (troubles and not addresses):
        raise (forged or troubles)[0]
    if not addresses:
        raise ConnectError(f"cannot look up {host}: it has no address", phase="connect")
    canonical = next(each.canonical_name for each in found if each.records)
    return Answer(
        host,
        addresses,
        weakest(*(each.dnssec for each in found)),
        _text(canonical),
        min(each.ttl_s for each in found),
    )


def _answer(name: dns.name.Name, found: Found, records: tuple[RecordT, ...]) -> Answer[RecordT]:
    canonical = _text(found.canonical_name)
    return Answer(_text(name), records, found.dnssec, canonical, found.ttl_s)


def _text(name: dns.name.Name) -> str:
    return "." if name == dns.name.root else name.canonicalize().to_text(omit_final_dot=True)


def _name(text: str, field: str, *, prefix: str = "") -> dns.name.Name:
    try:
        ascii_text = idna.encode(text.removesuffix("."), uts46=True).decode("ascii")
        return dns.name.from_text(f"{prefix}{ascii_text}.")
    except (idna.IDNAError, dns.exception.DNSException, UnicodeError) as exc:
        raise UsageError(f"{text!r} is not a name of the DNS: {exc}", field=field) from exc


def _server(server: tuple[str, int]) -> tuple[str, int]:
    host, port = server
    if not _is_address(host) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise UsageError(f"{server!r} is not (IP address, port)", field="Resolver.servers")
    return host, port


def _anchors(anchor: str | Path | None) -> Anchors:
    if anchor is None:
        return Anchors.root()
    field = "Resolver.anchor"
    # A record has blanks in it, and a line has an end; the path of a file seldom has.
    if isinstance(anchor, str) and len(anchor.split()) > 3:
        return Anchors.from_text(anchor, field=field)
    try:
        return Anchors.from_text(Path(anchor).read_text("ascii"), field=field)
    except UsageError:
        raise  # it is a ValueError, too
    except OSError as exc:
        raise UsageError(f"cannot read {anchor}: {exc.strerror}", field=field) from exc
    except ValueError as exc:
        raise UsageError(f"cannot read {anchor}: {exc}", field=field) from exc


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _is_loopback(server: tuple[str, int]) -> bool:
    return ipaddress.ip_address(server[0]).is_loopback
