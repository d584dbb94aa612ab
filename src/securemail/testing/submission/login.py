"""EHLO, STARTTLS, AUTH, NOOP, RSET, VRFY and QUIT (RFC 5321, RFC 3207, RFC 4954)."""

from __future__ import annotations

import base64
import binascii

from securemail.testing.sasl.exchange import (
    Exchange,
    MalformedResponseError,
    WrongCredentialsError,
    WrongIdentityError,
)
from securemail.testing.sasl.mechanisms import MECHANISMS, Run
from securemail.testing.submission.session import ReplyError, Session


async def ehlo(session: Session, name: str) -> None:
    """EHLO: begins anew."""
    if not name or " " in name:
        raise ReplyError(501, "5.5.4 say who you are")
    session.name = name
    session.reset()
    office = session.office
    offered = [line for line in office.extensions if session.is_secured or line != "REQUIRETLS"]
    if not session.is_secured:
        offered.append("STARTTLS")
    elif office.site.mechanisms:
        offered.append(f"AUTH {' '.join(office.site.mechanisms)}")
    session.reply(250, office.site.host_name, *offered)


async def helo(session: Session, name: str) -> None:
    """HELO: known, so that it can be told from nonsense."""
    session.name = name
    session.reset()
    session.reply(250, session.office.site.host_name)


async def starttls(session: Session, arguments: str) -> None:
    """STARTTLS (RFC 3207 section 4)."""
    if arguments or session.is_secured:
        raise ReplyError(503, "5.5.1 no parameters, and once")
    if not session.name:
        raise ReplyError(503, "5.5.1 EHLO first")
    if session.connection.buffered:
        # An attacker's commands: they would seem to have come inside TLS.
        session.is_over = True
        raise ReplyError(554, f"5.7.0 {session.connection.buffered} bytes follow STARTTLS")
    session.reply(220, "2.0.0 begin TLS now")
    session.connection.start_tls(session.office.site.context)
    await session.connection.handshake()
    session.name = ""
    session.reset()


async def auth(session: Session, arguments: str) -> None:
    """AUTH, with an initial response or without."""
    name, _, initial = arguments.partition(" ")
    if session.user or not session.name:
        raise ReplyError(503, "5.5.1 once, and after EHLO")
    if not session.is_secured:
        raise ReplyError(538, "5.7.11 not without TLS")
    if name.upper() not in session.office.site.mechanisms:
        raise ReplyError(504, f"5.5.4 {name!r} is not offered")
    run = MECHANISMS.get(name.upper())
    if run is None:
        raise ReplyError(504, f"5.5.4 {name!r} is not known here")
    response = None if not initial else b"" if initial == "=" else _decoded(initial.encode())
    user = await _ran(session, run, response)
    if (words := session.office.site.throttled.get(user)) is not None:
        raise ReplyError(454, f"4.7.0 {words}")
    session.user = user
    session.reply(235, f"2.7.0 welcome, {session.user}")


async def _ran(session: Session, run: Run, initial: bytes | None) -> str:
    """Run a mechanism in SMTP's words."""

    async def ask(challenge: bytes) -> bytes:
        session.reply(334, base64.b64encode(challenge).decode())
        return _decoded(await session.read_response())

    tls = session.connection.tls
    certified_user = tls.client_common_name if tls else None
    try:
        return await run(Exchange(session.office.site.realm, initial, ask, certified_user))
    except (WrongCredentialsError, WrongIdentityError) as exc:
        raise ReplyError(535, f"5.7.8 {exc}") from exc
    except MalformedResponseError as exc:
        raise ReplyError(501, f"5.5.2 {exc}") from exc


def _decoded(encoded: bytes) -> bytes:
    if encoded == b"*":
        raise ReplyError(501, "5.7.0 cancelled")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise ReplyError(501, "5.5.2 that is not base64") from exc


async def noop(session: Session, _arguments: str) -> None:
    """NOOP."""
    session.reply(250, "2.0.0 nothing done")


async def rset(session: Session, _arguments: str) -> None:
    """RSET."""
    session.reset()
    session.reply(250, "2.0.0 forgotten")


async def vrfy(session: Session, _arguments: str) -> None:
    """VRFY: nobody is told who is here (RFC 5321 section 3.5.3)."""
    session.reply(252, "2.5.0 send some mail and see")


async def quit_(session: Session, _arguments: str) -> None:
    """QUIT."""
    session.is_over = True
    session.reply(221, "2.0.0 until next time")
