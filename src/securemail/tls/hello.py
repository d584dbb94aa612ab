"""What one handshake offers, and whether another with less on offer may help. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from securemail.errors import ConnectError, DeadlineError, SecureMailError, TLSError


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What the ClientHello of one handshake has in it.

    `is_hybrid`: X25519MLKEM768 first (1,555 bytes; some middleboxes drop what is larger than one
    packet), or X25519 and the curves only. `may_resume`: a session to take up, if there is one.
    `shows_certificate`: the account's client certificate, if the server asks for one later on.
    """

    is_hybrid: bool = True
    may_resume: bool = True
    shows_certificate: bool = True


FULL: Final = Hello()


def less(
    hello: Hello,
    failure: SecureMailError,
    *,
    is_silent: bool,
    is_resuming: bool = False,
    is_unwelcome: bool = False,
) -> Hello | None:
    """Return what to offer in another try, or None where that cannot help.

    `is_resuming`: the server was offered an earlier session, has not declined it, and has said
    nothing inside TLS. Some break those: they close, or send an alert. Whoever forges that gains a
    full handshake, which proves more.

    `is_silent`: the server has said nothing at all to the ClientHello. What it says can be forged
    by anyone on the path, who must not be able to talk us down; silence costs them as much as
    cutting the line.

    `is_unwelcome`: the server named the issuers whose client certificates it takes, and the
    account's is none of those. Whoever forges that gains a handshake without a certificate.
    """
    if is_unwelcome and hello.shows_certificate:
        return replace(hello, shows_certificate=False)
    if is_resuming and hello.may_resume and _broke(failure):
        return replace(hello, may_resume=False)
    died = isinstance(failure, ConnectError | DeadlineError) and failure.phase == "tls"
    if died and is_silent and hello.is_hybrid:
        return replace(hello, is_hybrid=False)
    return None


def _broke(failure: SecureMailError) -> bool:
    """Return whether the connection was made, and broke in TLS or before the greeting."""
    match failure:
        case TLSError():
            return True
        case ConnectError():
            return failure.phase != "connect"
        case DeadlineError():
            return failure.phase == "tls"
        case _:
            return False
