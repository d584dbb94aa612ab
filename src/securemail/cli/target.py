"""What is to be looked at: a mail address, or a server. No I/O here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.discovery.endpoints import with_endpoint
from securemail.errors import UsageError
from securemail.minimum import RFC_MINIMUM, Policy
from securemail.setup.sources.well_known import PORTS
from securemail.trust import TrustStore

_BY_PORT: Final = {port: kind for kind, port in PORTS.items()}
ARGUMENT: Final = "ADDRESS|HOST[:PORT]"


@dataclass(frozen=True, slots=True)
class Server:
    """One server to look at."""

    service: Service
    endpoint: Endpoint

    def account(self, trust: TrustStore, policy: Policy = RFC_MINIMUM) -> Account:
        """Return an account that nobody logs in to."""
        bare = Account("nobody@example.invalid", trust=trust, policy=policy)
        return with_endpoint(bare, self.service, self.endpoint)


def is_address(text: str) -> bool:
    """Return whether `text` is a mail address, and not a server."""
    return "@" in text


def servers_of(
    text: str, service: Service | None, tls: TLSMode | None, *, field: str = ARGUMENT
) -> tuple[Server, ...]:
    """Return the servers that HOST[:PORT] can mean: by its port, or all usual ones of a host.

    `field` is where a person has written it.

    Raises: UsageError for what is no host, and for a port that says nothing.
    """
    host, port = _split(text, field)
    if port is None:
        kinds = [
            (kind, number)
            for kind, number in PORTS.items()
            if service in (None, kind[0]) and tls in (None, kind[1])
        ]
    else:
        usual = _BY_PORT.get(port)
        found = service or (usual and usual[0])
        mode = tls or (usual and usual[1])
        if not found or not mode:
            missing = " and ".join(["--service"] * (not found) + ["--tls"] * (not mode))
            raise UsageError(
                f"port {port} does not say what speaks there: add {missing}", field=field
            )
        kinds = [((found, mode), port)]
    return tuple(Server(kind[0], Endpoint(host, number, kind[1])) for kind, number in kinds)


def _split(text: str, field: str) -> tuple[str, int | None]:
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), None
    except ValueError:
        pass
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, None
    if not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535):
        raise UsageError(f"{port!r} is not the number of a port", field=field)
    return host.strip("[]"), int(port)
