"""A proxy on the way to an account's servers (RFC 1928, RFC 1929; RFC 9110). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail.errors import UsageError
from securemail.hosts import canonical_host
from securemail.secret import Secret

_SOCKS_OCTETS: Final = 255  # RFC 1929 section 2: a length is one octet


class ProxyKind(Enum):
    """How the proxy is asked for a connection."""

    SOCKS5 = "SOCKS5"
    HTTP_CONNECT = "HTTP CONNECT"


@dataclass(frozen=True, slots=True, init=False)
class Proxy:
    """A proxy that connects us to a mail server, and what it wants to know of us.

    Mail and its credentials cross it inside TLS, under the account's policy like everything else.
    The proxy's own user name and password do not: both protocols send them as they are, so that
    whoever is on the path to the proxy can read them. Needs the extra `securemail[proxy]`.

    Raises: UsageError for a host or a port that is none, a password without a user name, and for
    those that the proxy's protocol has no room for: SOCKS5 takes 255 ASCII characters (RFC 1929),
    HTTP no colon in the name and Latin-1 (RFC 7617). The message does not repeat them.
    """

    kind: ProxyKind
    host: str
    port: int
    username: str
    password: Secret

    def __init__(
        self,
        kind: ProxyKind,
        host: str,
        port: int,
        *,
        username: str = "",
        password: str | Secret = "",
    ) -> None:
        # From here on no frame holds the text: one that is refused below would be in the traceback.
        password = Secret(password)
        if not isinstance(kind, ProxyKind):
            raise UsageError(f"{kind!r} is not a ProxyKind", field="Proxy.kind")
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            raise UsageError(f"{port!r} is not a port between 1 and 65535", field="Proxy.port")
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "host", canonical_host(host, "Proxy.host"))
        object.__setattr__(self, "port", port)
        object.__setattr__(self, "username", username)
        object.__setattr__(self, "password", password)
        if not isinstance(username, str):
            raise UsageError("must be a text", field="Proxy.username")
        if bool(username) != bool(password):
            raise UsageError("a name and a password, or neither", field="Proxy.username")
        if username:
            _check(kind, Secret(username), "Proxy.username")
            _check(kind, password, "Proxy.password")
        if kind is ProxyKind.HTTP_CONNECT and ":" in username:
            raise UsageError("must not contain a colon (RFC 7617)", field="Proxy.username")

    def __str__(self) -> str:
        where = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind.value} proxy {where}:{self.port}"


def _check(kind: ProxyKind, text: Secret, field: str) -> None:
    if reason := _why_not(kind, text):
        raise UsageError(reason, field=field)


def _why_not(kind: ProxyKind, text: Secret) -> str:
    # The reason alone goes up: this frame holds the text.
    revealed: object = text.reveal()
    if not isinstance(revealed, str) or not revealed.isprintable():
        return "must be a text without control characters"
    if kind is ProxyKind.HTTP_CONNECT:
        return "" if max(map(ord, revealed)) < 256 else "has characters outside Latin-1"
    is_sendable = revealed.isascii() and len(revealed) <= _SOCKS_OCTETS
    return "" if is_sendable else f"must be at most {_SOCKS_OCTETS} ASCII characters"
