"""What one handshake offers, and whether another with less on offer may help. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from securemail.errors import ConnectError, DeadlineError, SecureMailError


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What the ClientHello of one handshake has in it.

    `is_hybrid`: X25519MLKEM768 first (1,555 bytes; some middleboxes drop what is larger than one
    packet), or X25519 and the curves only.
    """

    is_hybrid: bool = True


def less(hello: Hello, failure: SecureMailError, *, is_silent: bool) -> Hello | None:
    """Return what to offer in another try, or None where that cannot help.

    `is_silent`: the server has said nothing at all to the ClientHello. What it says can be forged
    by anyone on the path, who must not be able to talk us down; silence costs them as much as
    cutting the line.
    """
    died = isinstance(failure, ConnectError | DeadlineError) and failure.phase == "tls"
    if died and is_silent and hello.is_hybrid:
        return replace(hello, is_hybrid=False)
    return None
