"""One file over HTTPS, with little trust in whoever sends it (by aiohttp)."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from securemail import limits
from securemail.aio.resolver import Resolver
from securemail.discovery.names import is_inside
from securemail.errors import DiscoveryError, DiscoveryReason, SecureMailError
from securemail.setup.source import Question
from securemail.trust import TrustStore
from securemail.wire.text import printable

# A captive portal answers anything, with a page.
_TYPES: Final = frozenset(
    {"text/xml", "application/xml", "text/plain", "application/octet-stream", ""}
)
_HEADERS: Final = {"Accept": "application/xml, text/xml", "Accept-Encoding": "identity"}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


async def fetch(url: str, question: Question) -> bytes:
    """Return the file at `url`, at most `limits.AUTOCONFIG_BYTES` of it.

    The host's certificate is validated, with TLS 1.2 or later. Redirections are followed inside the
    question's domain, or on the same host, and never to http. No cookie, no proxy of the
    environment and no name of ours is involved.

    Raises: DiscoveryError.
    """
    seconds = question.timeouts.connect
    try:
        async with asyncio.timeout(seconds), _session(question) as session:
            return await _follow(session, URL(url), question.domain)
    except TimeoutError as exc:
        raise DiscoveryError(
            f"no answer within {seconds:g} s", reason=DiscoveryReason.TIMEOUT
        ) from exc
    except (aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as exc:
        # What aiohttp says around it ("ssl:default") is nothing to a person.
        inner = getattr(exc, "os_error", exc)
        said = printable(getattr(inner, "strerror", "") or str(exc)) or type(exc).__name__
        raise DiscoveryError(said, reason=DiscoveryReason.UNREACHABLE) from exc


async def _follow(session: aiohttp.ClientSession, url: URL, domain: str) -> bytes:
    first = url.raw_host
    for _ in range(limits.AUTOCONFIG_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False, headers=_HEADERS) as response:
            if response.status not in _REDIRECTS:
                return await _body(response)
            url = url.join(URL(response.headers.get("Location", "")))
        if url.scheme != "https":
            raise _refused(f"it redirects to {printable(url.scheme)}")
        host = url.raw_host or ""
        if host != first and not is_inside(host, domain):
            raise _refused(f"it redirects to {printable(host)}")
    raise _refused(f"more than {limits.AUTOCONFIG_REDIRECTS} redirections")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status in {404, 410}:
        raise DiscoveryError("there is no such file", reason=DiscoveryReason.NOT_FOUND)
    if response.status != 200:
        raise _refused(f"the server says {response.status}")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES or response.headers.get("Content-Encoding", "identity") != "identity":
        raise _refused(f"it is not the file but {printable(kind)}")
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limits.AUTOCONFIG_BYTES:
            raise DiscoveryError(
                f"it is longer than {limits.AUTOCONFIG_BYTES} octets", reason=DiscoveryReason.LIMIT
            )
    return bytes(data)


def _refused(what: str) -> DiscoveryError:
    return DiscoveryError(what, reason=DiscoveryReason.REFUSED)


@asynccontextmanager
async def _session(question: Question) -> AsyncIterator[aiohttp.ClientSession]:
    context = await asyncio.to_thread(_context, question.trust)
    connector = aiohttp.TCPConnector(
        resolver=_Names(question.resolver), ssl=context, use_dns_cache=False, force_close=True
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
    ) as session:
        yield session


def _context(trust: TrustStore) -> ssl.SSLContext:
    cadata = trust.pem.decode("ascii") if trust.pem is not None else None
    context = ssl.create_default_context(cadata=cadata)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Names(AbstractResolver):
    """Our resolver, as aiohttp asks it."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's
    ) -> list[ResolveResult]:
        """Return the host's addresses.

        Raises: OSError, which aiohttp takes for an answer.
        """
        try:
            addresses = (await self._resolver.addresses(host)).records
        except SecureMailError as exc:
            raise OSError(errno.EHOSTUNREACH, str(exc)) from exc
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: the resolver is the program's."""
