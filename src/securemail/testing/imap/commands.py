"""The table of commands: which there are, in which states, and who runs them (RFC 3501)."""

from __future__ import annotations

from functools import partial
from typing import Final

from securemail.testing.connection import Connection
from securemail.testing.imap import login, mailboxes, messages, notify
from securemail.testing.imap.session import Command, Session, Site, State, states

_ANY: Final = states(State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)
_BEFORE: Final = states(State.NOT_AUTHENTICATED)
_AFTER: Final = states(State.AUTHENTICATED, State.SELECTED)
_SELECTED: Final = states(State.SELECTED)

COMMANDS: Final = {
    "CAPABILITY": Command(login.capability, _ANY),
    "NOOP": Command(login.noop, _ANY),
    "LOGOUT": Command(login.logout, _ANY),
    "STARTTLS": Command(login.starttls, _BEFORE),
    "LOGIN": Command(login.login, _BEFORE),
    "AUTHENTICATE": Command(login.authenticate, _BEFORE),
    "SELECT": Command(mailboxes.select, _AFTER),
    "EXAMINE": Command(partial(mailboxes.select, read_only=True), _AFTER),
    "CREATE": Command(mailboxes.create, _AFTER),
    "DELETE": Command(mailboxes.delete, _AFTER),
    "SUBSCRIBE": Command(mailboxes.subscribe, _AFTER),
    "UNSUBSCRIBE": Command(mailboxes.unsubscribe, _AFTER),
    "LIST": Command(mailboxes.list_, _AFTER),
    "LSUB": Command(mailboxes.lsub, _AFTER),
    "STATUS": Command(mailboxes.status, _AFTER),
    "APPEND": Command(mailboxes.append, _AFTER),
    "IDLE": Command(mailboxes.idle, _AFTER),
    "NOTIFY": Command(notify.notify, _AFTER),
    "CHECK": Command(login.noop, _SELECTED),
    "CLOSE": Command(mailboxes.close, _SELECTED),
    "UNSELECT": Command(mailboxes.unselect, _SELECTED),
    "EXPUNGE": Command(messages.expunge, _SELECTED),
    # Numbers must keep their meaning while these are answered (RFC 3501 section 7.4.1).
    "FETCH": Command(messages.fetch, _SELECTED, tells_expunges=False),
    "STORE": Command(messages.store, _SELECTED, tells_expunges=False),
    "SEARCH": Command(messages.search, _SELECTED, tells_expunges=False),
    "COPY": Command(messages.copy, _SELECTED),
    "MOVE": Command(messages.move, _SELECTED),
    "UID FETCH": Command(partial(messages.fetch, by_uid=True), _SELECTED),
    "UID STORE": Command(partial(messages.store, by_uid=True), _SELECTED),
    "UID SEARCH": Command(partial(messages.search, by_uid=True), _SELECTED),
    "UID COPY": Command(partial(messages.copy, by_uid=True), _SELECTED),
    "UID MOVE": Command(partial(messages.move, by_uid=True), _SELECTED),
    "UID EXPUNGE": Command(messages.uid_expunge, _SELECTED),
}


async def serve_imap(connection: Connection, site: Site) -> None:
    """Serve one client until it leaves or logs out.

    Raises:
        ConnectionResetError: the client has left.

    """
    session = Session(connection, site, COMMANDS)
    await session.run(login.greeting(session))
