"""CAPA, STLS, UTF8, USER, PASS, APOP and AUTH (RFC 1939, 2449, 2595, 5034, 6856)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from securemail.testing.pop3.session import HangupError, RefusedError, Session, State
from securemail.testing.sasl.exchange import (
    Exchange,
    MalformedResponseError,
    WrongCredentialsError,
    WrongIdentityError,
)
from securemail.testing.sasl.mechanisms import MECHANISMS, Run

_NO_PRIVACY: Final = "not without TLS"
_WRONG: Final = "[AUTH] wrong credentials"


async def capa(session: Session, argument: bytes) -> None:
    """CAPA: what is offered in the session's state."""
    _require_none(argument)
    offered = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION securemail.testing"]
    if session.maildrops.offers_pipelining:
        offered.append("PIPELINING")
    if not session.is_secured:
        offered.append("STLS")
    else:
        offered += ["USER"] if session.site.has_login else []
        offered.append(" ".join(["SASL", *session.site.mechanisms]))
        offered += ["UTF8 USER"] if session.maildrops.offers_utf8 else []
    session.text("capabilities follow", "".join(f"{line}\r\n" for line in offered).encode())


async def stls(session: Session, argument: bytes) -> None:
    """STLS (RFC 2595 section 4)."""
    _require_none(argument)
    if session.is_secured:
        raise RefusedError("TLS is up already")
    if session.connection.buffered:
        # An attacker's commands: they would seem to have come inside TLS.
        raise HangupError(f"{session.connection.buffered} bytes follow STLS")
    session.ok("begin TLS now")
    session.connection.start_tls(session.site.context)
    await session.connection.handshake()


async def utf8(session: Session, argument: bytes) -> str:
    """UTF8: before the login only (RFC 6856 section 2)."""
    _require_none(argument)
    if not session.is_secured:
        raise RefusedError(_NO_PRIVACY)
    if not session.maildrops.offers_utf8:
        raise RefusedError("UTF8 is not offered")
    session.is_utf8 = True
    return "UTF-8 from now on"


async def user(session: Session, argument: bytes) -> str:
    """USER: any name will do, until PASS."""
    _require_login(session, argument)
    session.claimed = argument.decode("utf-8", "replace")
    return "send PASS"


async def password(session: Session, argument: bytes) -> str:
    """PASS."""
    _require_login(session, argument)
    claimed, session.claimed = session.claimed, ""
    if not claimed:
        raise RefusedError("USER comes first")
    return session.enter(_checked(session, claimed.encode(), argument))


async def apop(session: Session, argument: bytes) -> str:
    """APOP (RFC 1939 section 7)."""
    name, _, digest = argument.rpartition(b" ")
    _require_login(session, name)
    if not session.maildrops.offers_apop:
        raise RefusedError("APOP is not offered")
    word = session.site.users.get(name.decode("utf-8", "replace"), secrets.token_hex(12))
    expected = hashlib.md5(f"{session.timestamp}{word}".encode(), usedforsecurity=False)
    if not hmac.compare_digest(expected.hexdigest().encode(), digest):
        raise RefusedError(_WRONG)
    return session.enter(name.decode())


async def auth(session: Session, argument: bytes) -> str:
    """AUTH, with an initial response or without."""
    name, _, encoded = argument.partition(b" ")
    mechanism = name.decode("latin-1").upper()
    if not session.is_secured:
        raise RefusedError(_NO_PRIVACY)
    if mechanism not in session.site.mechanisms:
        raise RefusedError(f"the mechanism {mechanism} is not offered")
    if len(argument) > 255 - len(b"AUTH \r\n"):
        raise RefusedError("the command is too long for an initial response")
    initial = None if not encoded else b"" if encoded == b"=" else _decoded(encoded)
    run = MECHANISMS.get(mechanism)
    if run is None:
        raise RefusedError(f"the mechanism {mechanism} is not known here")
    return session.enter(await _ran(session, run, initial))


async def _ran(session: Session, run: Run, initial: bytes | None) -> str:
    """Run a mechanism in POP3's words."""

    async def ask(challenge: bytes) -> bytes:
        return _decoded(await session.ask(base64.b64encode(challenge).decode()))

    tls = session.connection.tls
    certified_user = tls.client_common_name if tls else None
    try:
        return await run(Exchange(session.site.realm, initial, ask, certified_user))
    except (WrongCredentialsError, WrongIdentityError) as exc:
        raise RefusedError(f"[AUTH] {exc}") from exc
    except MalformedResponseError as exc:
        raise RefusedError(str(exc)) from exc


async def quit_(session: Session, argument: bytes) -> str:
    """QUIT: what is marked is deleted now, and not before."""
    _require_none(argument)
    if session.state is State.TRANSACTION:
        session.mailbox.expunge(session.deleted)
    session.state = State.OVER
    return "until next time"


def _require_none(argument: bytes) -> None:
    if argument:
        raise RefusedError("no argument expected")


def _require_login(session: Session, argument: bytes) -> None:
    if not session.is_secured:
        raise RefusedError(_NO_PRIVACY)
    if not session.site.has_login:
        raise RefusedError("USER and PASS are not offered")
    if not argument.isascii() and not session.maildrops.offers_utf8:
        raise RefusedError("names and passwords are ASCII here")


def _decoded(encoded: bytes) -> bytes:
    if encoded == b"*":
        raise RefusedError("AUTH cancelled")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise RefusedError("a response that is not base64") from exc


def _checked(session: Session, name: bytes, word: bytes) -> str:
    known = session.site.users.get(name.decode("utf-8", "replace"))
    if known is None or not hmac.compare_digest(known.encode(), word):
        raise RefusedError(_WRONG)
    return name.decode()
