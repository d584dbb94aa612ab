"""CAPABILITY, STARTTLS, LOGIN, AUTHENTICATE, NOOP and LOGOUT (RFC 3501, RFC 4422, RFC 4959)."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from securemail.testing.imap.session import HangupError, RefusedError, Session, State, words
from securemail.testing.imap.syntax import ATOM, Arguments, BadCommandError
from securemail.testing.sasl.exchange import (
    Exchange,
    MalformedResponseError,
    WrongCredentialsError,
    WrongIdentityError,
)
from securemail.testing.sasl.mechanisms import MECHANISMS, Run

_AUTHENTICATED_CAPABILITIES: Final = ("IDLE", "UIDPLUS", "MOVE", "UNSELECT")
_NO_PRIVACY: Final = "[PRIVACYREQUIRED] not without TLS"
_WRONG: Final = "[AUTHENTICATIONFAILED] wrong credentials"


def capabilities(session: Session) -> str:
    """Return what is offered in the session's state, beginning with the word CAPABILITY."""
    offered = ["CAPABILITY", "IMAP4rev1"]
    if session.state is not State.NOT_AUTHENTICATED:
        offered += _AUTHENTICATED_CAPABILITIES
        offered += ["NOTIFY"] if session.site.has_notify else []
    elif not session.is_secured:
        offered += ["STARTTLS", "LOGINDISABLED"]
    else:
        offered += [f"AUTH={name}" for name in session.site.mechanisms]
        offered += ["SASL-IR"] if session.site.has_sasl_ir else []
        offered += [] if session.site.has_login else ["LOGINDISABLED"]
    return words(offered)


def greeting(session: Session) -> str:
    """Return the first line that a client sees."""
    code = f"[{capabilities(session)}] " if session.site.greets_with_capabilities else ""
    return f"OK {code}{session.site.host_name} ready"


async def capability(session: Session, arguments: Arguments) -> str:
    """CAPABILITY."""
    arguments.end()
    session.untagged(capabilities(session))
    return "CAPABILITY completed"


async def noop(_session: Session, arguments: Arguments) -> str:
    """NOOP and CHECK: changes are told before the answer, as at the end of every command."""
    arguments.end()
    return "completed"


async def logout(session: Session, arguments: Arguments) -> str:
    """LOGOUT."""
    arguments.end()
    session.untagged("BYE until next time")
    session.state = State.LOGOUT
    session.selected = None
    return "LOGOUT completed"


async def starttls(session: Session, arguments: Arguments) -> None:
    """STARTTLS (RFC 3501 section 6.2.1)."""
    arguments.end()
    if session.is_secured:
        raise BadCommandError("TLS is up already")
    if session.connection.buffered:
        # An attacker's commands: they would seem to have come inside TLS.
        raise HangupError(f"{session.connection.buffered} bytes follow STARTTLS")
    session.tagged("OK begin TLS now")
    session.connection.start_tls(session.site.context)
    await session.connection.handshake()


async def login(session: Session, arguments: Arguments) -> str:
    """LOGIN with a user name and a password."""
    arguments.space()
    user = arguments.astring()
    arguments.space()
    password = arguments.astring()
    arguments.end()
    if not session.is_secured:
        raise RefusedError(_NO_PRIVACY)
    if not session.site.has_login:
        raise RefusedError("[CANNOT] LOGIN is not offered")
    return _enter(session, _checked(session, user, password))


async def authenticate(session: Session, arguments: Arguments) -> str:
    """AUTHENTICATE, with an initial response or without."""
    arguments.space()
    mechanism = arguments.atom()
    initial = _initial_response(session, arguments)
    arguments.end()
    if not session.is_secured:
        raise RefusedError(_NO_PRIVACY)
    if mechanism not in session.site.mechanisms:
        raise RefusedError(f"[CANNOT] the mechanism {mechanism} is not offered")
    run = MECHANISMS.get(mechanism)
    if run is None:
        raise RefusedError(f"[CANNOT] the mechanism {mechanism} is not known here")
    return _enter(session, await _ran(session, run, initial))


async def _ran(session: Session, run: Run, initial: bytes | None) -> str:
    """Run a mechanism in IMAP's words."""

    async def ask(challenge: bytes) -> bytes:
        return _decoded(await session.ask(base64.b64encode(challenge).decode()))

    tls = session.connection.tls
    certified_user = tls.client_common_name if tls else None
    try:
        return await run(Exchange(session.site.realm, initial, ask, certified_user))
    except WrongCredentialsError as exc:
        raise RefusedError(f"[AUTHENTICATIONFAILED] {exc}") from exc
    except WrongIdentityError as exc:
        raise RefusedError(f"[AUTHORIZATIONFAILED] {exc}") from exc
    except MalformedResponseError as exc:
        raise BadCommandError(str(exc)) from exc


def _initial_response(session: Session, arguments: Arguments) -> bytes | None:
    if arguments.at_end():
        return None
    if not session.site.has_sasl_ir:
        raise BadCommandError("an initial response without SASL-IR")
    arguments.space()
    encoded = arguments.require(ATOM, "initial response")
    return b"" if encoded == b"=" else _decoded(encoded)


def _decoded(encoded: bytes) -> bytes:
    if encoded == b"*":
        raise BadCommandError("AUTHENTICATE cancelled")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise BadCommandError("a response that is not base64") from exc


def _checked(session: Session, user: bytes, password: bytes) -> str:
    name = user.decode("utf-8", "replace")
    known = session.site.users.get(name)
    if known is None or not hmac.compare_digest(known.encode(), password):
        raise RefusedError(_WRONG)
    return name


def _enter(session: Session, user: str) -> str:
    if user in session.site.throttled:
        raise RefusedError(session.site.throttled[user])
    session.user = user
    session.state = State.AUTHENTICATED
    return f"[{capabilities(session)}] logged in"
