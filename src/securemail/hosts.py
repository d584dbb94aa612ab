"""Host names as they are kept and compared (RFC 5891). No I/O here."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

import idna

from securemail.errors import UsageError

_HOST_CHARS: Final = 253  # RFC 1035 section 2.3.4, without the root's dot
_TYPED_CHARS: Final = 1024  # before IDNA composes characters, and drops those that nobody sees

# The accounts of a program are at few servers, and IDNA is half of what it takes to make one.
_KEPT: Final = 1024


def canonical_host(host: str, field: str) -> str:
    """Return `host` in lower case and A-label form (RFC 5891), an address without its brackets.

    Raises: UsageError naming `field` for what is neither a host name nor an IP address.
    """
    if not isinstance(host, str) or not host.strip():
        raise UsageError("a host name is needed", field=field)
    if len(host) > _TYPED_CHARS:
        raise UsageError(f"{len(host)} characters are too long for a host name", field=field)
    return _canonical(host, field)


@lru_cache(maxsize=_KEPT)
def _canonical(host: str, field: str) -> str:
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if is_address(bare):
        return ipaddress.ip_address(bare).compressed
    try:
        name = idna.encode(host, uts46=True).decode("ascii").lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError) as exc:
        raise UsageError(f"{host!r} is not a host name: {exc}", field=field) from exc
    if len(name) > _HOST_CHARS:
        raise UsageError(f"{len(name)} characters are too long for a host name", field=field)
    # getaddrinfo takes 127.1, 0x7f.1 and 2130706433 for addresses; no top-level domain is a number.
    if is_address(name) or re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", name.rpartition(".")[2]):
        raise UsageError(f"{host!r} is neither a host name nor an IP address", field=field)
    return name


def is_address(text: str) -> bool:
    """Return whether `text` is an IP address."""
    return len(text) <= _HOST_CHARS and _is_address(text)


@lru_cache(maxsize=_KEPT)
def _is_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text) is not None and text.isprintable()
    except ValueError:
        return False
