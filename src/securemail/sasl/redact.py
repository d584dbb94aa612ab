"""Takes an account's secrets out of a server's words. No I/O here."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from securemail import limits
from securemail.secret import REDACTED, Secret

# A shorter piece of base64 says next to nothing, and stands in innocent words by chance.
_MIN_BASE64_CHARS: Final = 4

# Words are stripped after they were cut to `limits.WORDS_CHARS`.
CUT_SPACES: Final = 16


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Return `text` without any of `secrets`, plain, quoted, escaped or in base64.

    Some servers repeat what they refuse, and whoever reads our messages would know it then.
    """
    is_cut = len(text) > limits.WORDS_CHARS - CUT_SPACES
    known = {form for secret in secrets for form in forms(secret.reveal()) if form}
    longest_first = sorted(known, key=len, reverse=True)
    for form in longest_first:
        text = text.replace(form, REDACTED)
    return _without_head(text, longest_first) if is_cut else text


def forms(secret: str) -> Iterator[str]:
    """Yield what `secret` looks like in a server's words; some forms may be the same, or empty."""
    yield secret.strip()
    if not secret.isprintable():
        yield "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in secret)
    for text in (secret, secret.replace("\\", "\\\\").replace('"', '\\"')):
        yield text
        # What repr() makes of it, and among words that have the other quotes, too.
        yield repr(text)[1:-1]
        yield repr('"' + text)[2:-1]
    yield quote(secret, safe="")
    data = secret.encode()
    yield quopri.encodestring(data, quotetabs=True).decode()
    yield data.hex()
    yield data.hex().upper()
    for offset in range(3):
        yield from _base64_core(data, offset)


def _base64_core(data: bytes, offset: int) -> Iterator[str]:
    """Yield what `data` looks like in base64 behind any prefix of that length, modulo 3.

    So it is found inside PLAIN's response, too, where name and password are encoded together.
    """
    encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
    first = -(-offset * 8 // 6)
    last = (offset + len(data)) * 8 // 6
    core = encoded[first:last]
    if len(core) >= _MIN_BASE64_CHARS:
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _without_head(text: str, forms: Iterable[str]) -> str:
    """Take away the beginning of a secret, where the server's words were cut in its middle."""
    for form in forms:
        for size in range(len(form) - 1, 1, -1):
            if text.endswith(form[:size]):
                return text[:-size] + REDACTED
    return text
