"""Names to addresses."""

from __future__ import annotations

import asyncio
import socket

from securemail.errors import ConnectError, DiscoveryError
from securemail.records import DNSSEC, Answer, TLSARecord


class Resolver:
    """Looks up the addresses of a host."""

    @property
    def has_dnssec(self) -> bool:
        """Whether its answers can be DNSSEC-secure at all."""
        return False

    @classmethod
    def system(cls) -> Resolver:
        """Return the resolver of this computer, its hosts file included."""
        return cls()

    async def addresses(self, host: str) -> Answer[str]:
        """Return the IP addresses of `host`, best first (RFC 6724).

        Raises: ConnectError when there are none.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise ConnectError(f"cannot look up {host}: {reason}", phase="connect") from exc
        # A name may be listed once for each protocol; the order stays.
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        return Answer(host, addresses, DNSSEC.UNCHECKED, canonical_name=host)

    async def tlsa(self, host: str, port: int) -> Answer[TLSARecord]:
        """Return the TLSA records of the TCP service at `port` of `host` (RFC 6698 section 3).

        Raises: DiscoveryError: this computer's own resolver has no way to ask for them.
        """
        raise DiscoveryError(f"no resolver was given that could look up _{port}._tcp.{host}")
