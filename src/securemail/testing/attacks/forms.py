"""The forms in which a secret can leak. No I/O here."""

from __future__ import annotations

import base64
import functools
import quopri
from collections.abc import Iterator
from urllib.parse import quote, quote_from_bytes

# Of base64, so much stands for an octet of the secret whatever stands beside it.
_MIN_CHARS = 6


@functools.lru_cache(maxsize=64)
def forms_of(secret: bytes) -> frozenset[bytes]:
    """Return the forms of `secret`: plain, base64 at each alignment, quoted, and hexadecimal.

    Long secrets only: three octets of base64 stand anywhere by chance.
    """
    return frozenset(_forms(secret))


def forms_in(data: bytes, secret: bytes) -> frozenset[bytes]:
    """Return the forms of `secret` that stand in `data`."""
    return frozenset(form for form in forms_of(secret) if form in data)


def _forms(secret: bytes) -> Iterator[bytes]:
    text = secret.decode("utf-8", "backslashreplace")
    yield secret
    yield text.replace("\\", "\\\\").replace('"', '\\"').encode()
    yield repr(secret)[2:-1].encode()
    yield repr(text)[1:-1].encode()
    yield text.encode("utf-16-le")
    yield quopri.encodestring(secret, quotetabs=True).rstrip(b"=\n")
    yield quote(text, safe="").encode()
    yield quote_from_bytes(secret, safe="").lower().encode()
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield secret.hex(" ").encode()
    yield secret.hex(":").encode()
    for offset in range(3):
        core = _base64_core(secret, offset)
        if len(core) >= _MIN_CHARS:
            yield core
            yield core.replace(b"+", b"-").replace(b"/", b"_")


def _base64_core(secret: bytes, offset: int) -> bytes:
    """Return what `secret` is in base64 behind `offset` octets, without what it shares."""
    encoded = base64.b64encode(b"\0" * offset + secret).rstrip(b"=")
    return encoded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]
