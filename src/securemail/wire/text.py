"""What a server says, made fit for our messages, and base64. No I/O here."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Final

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError

_LISTS: Final = 32


def words(text: bytes) -> str:
    """Return a server's words for a person: no control characters, bounded, never an error.

    Escape sequences in a log or a terminal are an attack of their own.
    """
    return printable(text[: 4 * limits.WORDS_CHARS].decode("utf-8", "replace"))


def printable(text: str) -> str:
    """Return somebody else's text fit for a message of ours: printable and bounded."""
    some = text[: limits.WORDS_CHARS]
    if some.isprintable():  # nearly always, and the rest takes 10 us
        return some.strip()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in some).strip()


def decode_base64(text: bytes) -> bytes:
    """Return what `text` stands for, by the strict alphabet (RFC 4648 section 4).

    Raises: ProtocolError for anything else.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ProtocolError("the server sent a challenge that is not base64") from exc


def parse_capabilities(tokens: list[bytes]) -> frozenset[str]:
    """Return the capabilities in upper case.

    Raises: LimitExceeded for too many, ProtocolError for one that is not printable ASCII.
    """
    if len(tokens) > limits.CAPABILITIES:
        raise LimitExceeded(
            f"the server claims {len(tokens)} capabilities, more than {limits.CAPABILITIES}",
            limit=limits.CAPABILITIES,
        )
    return _parsed(tuple(tokens))


# A bridge holds thousands of sessions with servers of a few kinds: each list is there once.
@lru_cache(maxsize=_LISTS)
def _parsed(tokens: tuple[bytes, ...]) -> frozenset[str]:
    try:
        names = frozenset(token.decode("ascii").upper() for token in tokens)
    except UnicodeDecodeError as exc:
        raise ProtocolError("the server claims a capability that is not ASCII") from exc
    if not all(name.isprintable() and name for name in names):
        raise ProtocolError("the server claims a capability with control characters")
    return names
