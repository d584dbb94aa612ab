"""The table of commands: which there are, in which states, and who runs them (RFC 1939)."""

from __future__ import annotations

from typing import Final

from securemail.testing.connection import Connection
from securemail.testing.pop3 import login, messages
from securemail.testing.pop3.session import Command, Maildrops, Session, State

_ANY: Final = frozenset({State.AUTHORIZATION, State.TRANSACTION})
_BEFORE: Final = frozenset({State.AUTHORIZATION})
_AFTER: Final = frozenset({State.TRANSACTION})

COMMANDS: Final = {
    "CAPA": Command(login.capa, _ANY),
    "QUIT": Command(login.quit_, _ANY),
    "STLS": Command(login.stls, _BEFORE),
    "UTF8": Command(login.utf8, _BEFORE),
    "APOP": Command(login.apop, _BEFORE),
    "AUTH": Command(login.auth, _BEFORE),
    "USER": Command(login.user, _BEFORE),
    "PASS": Command(login.password, _BEFORE),
    "STAT": Command(messages.stat, _AFTER),
    "LIST": Command(messages.list_, _AFTER),
    "UIDL": Command(messages.uidl, _AFTER),
    "RETR": Command(messages.retr, _AFTER),
    "TOP": Command(messages.top, _AFTER),
    "DELE": Command(messages.dele, _AFTER),
    "RSET": Command(messages.rset, _AFTER),
    "NOOP": Command(messages.noop, _AFTER),
}


async def serve_pop3(connection: Connection, maildrops: Maildrops) -> None:
    """Serve one client until it leaves or quits.

    Raises:
        ConnectionResetError: the client has left.

    """
    await Session(connection, maildrops, COMMANDS).run()
