"""Commands on messages: FETCH, STORE, SEARCH, COPY, MOVE and EXPUNGE (RFC 3501, 4315, 6851)."""

from __future__ import annotations

import re
from typing import Final

from securemail.testing.imap.fetch import Item, parse_items, render
from securemail.testing.imap.mailboxes import target
from securemail.testing.imap.search import Candidate, parse_search
from securemail.testing.imap.session import RefusedError, Session, words
from securemail.testing.imap.syntax import SEQUENCE_SET, Arguments
from securemail.testing.store import Mailbox, Message

_STORE: Final = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)
_EXPUNGED: Final = "[EXPUNGEISSUED] some of these messages are no longer there"


async def fetch(session: Session, arguments: Arguments, *, by_uid: bool = False) -> str:
    """FETCH, and UID FETCH."""
    chosen = _set(session, arguments, by_uid=by_uid)
    arguments.space()
    items = parse_items(arguments)
    arguments.end()
    if by_uid and Item("UID") not in items:
        items.insert(0, Item("UID"))
    gone = False
    for number, uid in chosen:
        # Looked up each time: another session may expunge while the client is slow to read.
        message = session.view.mailbox.messages.get(uid)
        gone = gone or message is None
        if message is not None:
            _answer_fetch(session, number, message, items)
            await session.connection.drain()
    if gone:
        raise RefusedError(_EXPUNGED)
    return "FETCH completed"


async def store(session: Session, arguments: Arguments, *, by_uid: bool = False) -> str:
    """STORE, and UID STORE."""
    chosen = _set(session, arguments, by_uid=by_uid)
    arguments.space()
    sign, _, silent = arguments.require(_STORE, "FLAGS").upper().partition(b"FLAGS")
    arguments.space()
    flags = arguments.flags()
    arguments.end()
    _require_writable(session)
    gone = False
    for number, uid in chosen:
        message = session.view.mailbox.messages.get(uid)
        gone = gone or message is None
        if message is not None:
            session.view.mailbox.set_flags(uid, _changed(message.flags, sign, flags))
            _answer_store(session, number, message, by_uid=by_uid, is_silent=bool(silent))
    if gone:
        raise RefusedError(_EXPUNGED)
    return "STORE completed"


async def search(session: Session, arguments: Arguments, *, by_uid: bool = False) -> str:
    """SEARCH, and UID SEARCH."""
    arguments.space()
    view = session.view
    passes = parse_search(arguments, view)
    found = []
    for index, uid in enumerate(view.uids):
        message = view.mailbox.messages.get(uid)
        if message and passes(Candidate(index + 1, message, uid in view.recent)):
            found.append(str(uid if by_uid else index + 1))
    session.untagged(words(["SEARCH", *found]))
    return "SEARCH completed"


async def expunge(session: Session, arguments: Arguments) -> str:
    """EXPUNGE. The answers come with the changes at the command's end."""
    arguments.end()
    _require_writable(session)
    mailbox = session.view.mailbox
    mailbox.expunge(m.uid for m in mailbox.messages.values() if "\\Deleted" in m.flags)
    return "EXPUNGE completed"


async def uid_expunge(session: Session, arguments: Arguments) -> str:
    """UID EXPUNGE (RFC 4315)."""
    chosen = _set(session, arguments, by_uid=True)
    arguments.end()
    _require_writable(session)
    mailbox = session.view.mailbox
    present = [message for _, uid in chosen if (message := mailbox.messages.get(uid))]
    mailbox.expunge(m.uid for m in present if "\\Deleted" in m.flags)
    return "EXPUNGE completed"


async def copy(session: Session, arguments: Arguments, *, by_uid: bool = False) -> str:
    """COPY, and UID COPY."""
    messages, into = _messages_and_target(session, arguments, by_uid=by_uid)
    return f"{_copied(messages, into)}COPY completed"


async def move(session: Session, arguments: Arguments, *, by_uid: bool = False) -> str:
    """MOVE, and UID MOVE (RFC 6851)."""
    _require_writable(session)
    messages, into = _messages_and_target(session, arguments, by_uid=by_uid)
    session.untagged(f"OK {_copied(messages, into)}moved")
    session.view.mailbox.expunge(message.uid for message in messages)
    return "MOVE completed"


def _set(session: Session, arguments: Arguments, *, by_uid: bool) -> list[tuple[int, int]]:
    arguments.space()
    text = arguments.require(SEQUENCE_SET, "sequence set").decode("ascii")
    return list(session.view.find(text, by_uid=by_uid))


def _answer_fetch(session: Session, number: int, message: Message, items: list[Item]) -> None:
    view = session.view
    parts = list(items)
    is_news = "\\Seen" not in message.flags and not view.read_only
    if is_news and any(item.sets_seen for item in items):
        view.mailbox.set_flags(message.uid, message.flags | {"\\Seen"})
        if Item("FLAGS") not in items:
            parts.append(Item("FLAGS"))
    if Item("FLAGS") in parts:
        view.told(message)
    rendered = b" ".join(render(item, message, view.flags(message)) for item in parts)
    session.connection.write(b"* %d FETCH (%b)\r\n" % (number, rendered))


def _answer_store(
    session: Session, number: int, message: Message, *, by_uid: bool, is_silent: bool
) -> None:
    session.view.told(message)
    if not is_silent:
        uid = f"UID {message.uid} " if by_uid else ""
        session.untagged(f"{number} FETCH ({uid}FLAGS {session.view.flags(message)})")


def _changed(old: frozenset[str], sign: bytes, flags: frozenset[str]) -> frozenset[str]:
    match sign:
        case b"+":
            return old | flags
        case b"-":
            return old - flags
        case _:
            return flags


def _require_writable(session: Session) -> None:
    if session.view.read_only:
        raise RefusedError("[READ-ONLY] the mailbox was opened with EXAMINE")


def _messages_and_target(
    session: Session, arguments: Arguments, *, by_uid: bool
) -> tuple[list[Message], Mailbox]:
    chosen = _set(session, arguments, by_uid=by_uid)
    arguments.space()
    name = arguments.mailbox()
    arguments.end()
    messages = [session.view.mailbox.messages.get(uid) for _, uid in chosen]
    present = [message for message in messages if message is not None]
    if len(present) < len(messages):
        raise RefusedError(_EXPUNGED)  # all or none (RFC 3501 section 6.4.7)
    return present, target(session, name)


def _copied(messages: list[Message], into: Mailbox) -> str:
    """Copy, and return the response code COPYUID with a space, or nothing."""
    copies = [into.add(m.data, flags=m.flags, internal_date=m.internal_date) for m in messages]
    if not copies:
        return ""
    sources = ",".join(str(m.uid) for m in messages)
    return f"[COPYUID {into.uidvalidity} {sources} {','.join(str(m.uid) for m in copies)}] "
