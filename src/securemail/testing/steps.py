"""The steps of a script for `ScriptedServer`. No I/O here."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

TAG: Final = b"{tag}"


@dataclass(frozen=True, slots=True)
class Send:
    """Send exactly these octets in one call; inside TLS, in one record (of up to 16 KiB).

    `{tag}` becomes the tag of the last line expected. What must share a segment with something
    else is simply part of the same `Send`.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class SendSlowly:
    """Send these octets one at a time; inside TLS, one in each record."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendSegments:
    """Send each part by itself, giving the client's event loop a turn in between."""

    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SendRaw:
    """Put octets on the socket past TLS: garbage, or cleartext in the middle of the records."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Expect:
    """Read one line, which must match the whole pattern (without its CRLF).

    The first word is kept as the tag, unless it is the only one: a SASL response has none.
    """

    pattern: bytes


@dataclass(frozen=True, slots=True)
class Await:
    """Read lines until one matches the whole pattern; answer those that come before it.

    Each of `meanwhile` is a pattern and the answer to a line that matches it, in which `{tag}` is
    that line's tag; the first that matches counts. So one script serves clients that ask for
    different things on the same way. A line that matches nothing is the script's end.
    """

    pattern: bytes
    meanwhile: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class AwaitHello:
    """Wait until the client has begun TLS, and leave it at that."""


@dataclass(frozen=True, slots=True)
class StartTLS:
    """Shake hands as the server. As the first step this is implicit TLS.

    Without a context the one of the `ScriptedServer` is used.
    """

    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Send the same octets many times, as fast as the client takes them."""

    data: bytes
    times: int


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing until the client has left."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection properly: close_notify if inside TLS, then FIN."""


@dataclass(frozen=True, slots=True)
class CloseWithoutAlert:
    """End the connection with a FIN only: a truncation, if inside TLS."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection with an RST. What the client has not read may be lost."""


Step = (
    Send
    | SendSlowly
    | SendSegments
    | SendRaw
    | Expect
    | Await
    | AwaitHello
    | StartTLS
    | Repeat
    | Hang
    | Close
    | CloseWithoutAlert
    | Reset
)
