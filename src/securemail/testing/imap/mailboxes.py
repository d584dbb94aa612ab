"""Commands on mailboxes: SELECT, CREATE, LIST, STATUS, APPEND, IDLE and the like (RFC 3501)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from securemail.testing.imap.session import (
    MAX_LINE_BYTES,
    RefusedError,
    Session,
    State,
    words,
)
from securemail.testing.imap.syntax import SPACE, Arguments, BadCommandError, quoted
from securemail.testing.imap.view import View
from securemail.testing.store import SYSTEM_FLAGS, Mailbox

_NOT_HERE: Final = "[NONEXISTENT] no such mailbox"
_NO_TARGET: Final = "[TRYCREATE] no such mailbox"


def existing(session: Session, name: str, *, words_if_not: str = _NOT_HERE) -> Mailbox:
    """Return the user's mailbox. Raises `RefusedError`."""
    try:
        return session.site.store.mailbox(session.user, name)
    except KeyError as exc:
        raise RefusedError(words_if_not) from exc


def target(session: Session, name: str) -> Mailbox:
    """Return the mailbox that messages go into. Raises `RefusedError` with TRYCREATE."""
    return existing(session, name, words_if_not=_NO_TARGET)


async def select(session: Session, arguments: Arguments, *, read_only: bool = False) -> str:
    """SELECT, and EXAMINE."""
    name = _only_name(arguments)
    session.selected, session.state = None, State.AUTHENTICATED
    mailbox = existing(session, name)
    view = View(mailbox, read_only=read_only)
    session.untagged(f"FLAGS ({words(SYSTEM_FLAGS)})")
    session.untagged(f"{len(view.uids)} EXISTS")
    session.untagged(f"{len(view.recent)} RECENT")
    for index, message in enumerate(mailbox.messages.values()):
        if "\\Seen" not in message.flags:
            session.untagged(f"OK [UNSEEN {index + 1}] the first unseen")
            break
    session.untagged(f"OK [UIDVALIDITY {mailbox.uidvalidity}] valid")
    session.untagged(f"OK [UIDNEXT {mailbox.uidnext}] predicted")
    permanent = "" if read_only else f"{words(SYSTEM_FLAGS)} \\*"
    session.untagged(f"OK [PERMANENTFLAGS ({permanent})] permanent")
    session.selected, session.state = view, State.SELECTED
    return "[READ-ONLY] EXAMINE completed" if read_only else "[READ-WRITE] SELECT completed"


async def close(session: Session, arguments: Arguments) -> str:
    r"""CLOSE: \Deleted messages go, and nothing is said about it."""
    arguments.end()
    if not session.view.read_only:
        mailbox = session.view.mailbox
        mailbox.expunge(m.uid for m in mailbox.messages.values() if "\\Deleted" in m.flags)
    return await unselect(session, arguments)


async def unselect(session: Session, arguments: Arguments) -> str:
    """UNSELECT (RFC 3691)."""
    arguments.end()
    session.selected, session.state = None, State.AUTHENTICATED
    return "no mailbox is selected now"


async def create(session: Session, arguments: Arguments) -> str:
    """CREATE."""
    name = _only_name(arguments).rstrip("/")
    try:
        session.site.store.create(session.user, name)
    except ValueError as exc:
        raise RefusedError(f"[ALREADYEXISTS] {exc}") from exc
    return "CREATE completed"


async def delete(session: Session, arguments: Arguments) -> str:
    """DELETE."""
    name = _only_name(arguments)
    try:
        session.site.store.delete(session.user, name)
    except ValueError as exc:
        raise RefusedError(f"[NONEXISTENT] {exc}") from exc
    return "DELETE completed"


async def subscribe(session: Session, arguments: Arguments) -> str:
    """SUBSCRIBE."""
    session.site.store.subscriptions(session.user).add(_only_name(arguments))
    return "SUBSCRIBE completed"


async def unsubscribe(session: Session, arguments: Arguments) -> str:
    """UNSUBSCRIBE."""
    session.site.store.subscriptions(session.user).discard(_only_name(arguments))
    return "UNSUBSCRIBE completed"


async def list_(session: Session, arguments: Arguments) -> str:
    """LIST."""
    return _list(session, arguments, "LIST", session.site.store.names(session.user))


async def lsub(session: Session, arguments: Arguments) -> str:
    """LSUB."""
    names = sorted(session.site.store.subscriptions(session.user))
    return _list(session, arguments, "LSUB", names)


async def status(session: Session, arguments: Arguments) -> str:
    """STATUS."""
    arguments.space()
    name = arguments.mailbox()
    arguments.space()
    wanted = _atoms_in_parentheses(arguments)
    session.untagged(status_of(name, existing(session, name), wanted))
    return "STATUS completed"


def status_of(name: str, mailbox: Mailbox, wanted: Iterable[str]) -> str:
    """Return a STATUS response. Raises `BadCommandError` for an item that is not known."""
    values = {
        "MESSAGES": len(mailbox.messages),
        "RECENT": len(mailbox.recent()),
        "UIDNEXT": mailbox.uidnext,
        "UIDVALIDITY": mailbox.uidvalidity,
        "UNSEEN": sum("\\Seen" not in m.flags for m in mailbox.messages.values()),
    }
    if unknown := [item for item in wanted if item not in values]:
        raise BadCommandError(f"STATUS has no {unknown[0]}")
    items = words(f"{item} {values[item]}" for item in wanted)
    return f"STATUS {quoted(name)} ({items})"


async def append(session: Session, arguments: Arguments) -> str:
    """APPEND with flags, date and a synchronizing literal; answers with APPENDUID (RFC 4315)."""
    arguments.space()
    name = arguments.mailbox()
    arguments.space()
    flags: frozenset[str] = frozenset()
    date = None
    if arguments.peek(b"("):
        flags = arguments.flags()
        arguments.space()
    if arguments.peek(b'"'):
        date = arguments.date_time()
        arguments.space()
    data = arguments.literal()
    arguments.end()
    if data is None:
        raise BadCommandError("APPEND needs a literal")
    mailbox = target(session, name)
    message = mailbox.add(data, flags=flags, internal_date=date)
    return f"[APPENDUID {mailbox.uidvalidity} {message.uid}] APPEND completed"


async def idle(session: Session, arguments: Arguments) -> str:
    """IDLE (RFC 2177): changes are told in the moment in which they happen."""
    arguments.end()
    session.connection.write(b"+ idling\r\n")
    session.tell_changes()
    if session.selected is None:
        line = await session.connection.readline(MAX_LINE_BYTES)
    else:
        with session.selected.mailbox.subscribed(session.tell_changes):
            line = await session.connection.readline(MAX_LINE_BYTES)
    if line.upper() != b"DONE\r\n":
        raise BadCommandError("IDLE ends with DONE")
    return "IDLE completed"


def _only_name(arguments: Arguments) -> str:
    arguments.space()
    name = arguments.mailbox()
    arguments.end()
    return name


def _atoms_in_parentheses(arguments: Arguments) -> list[str]:
    if not arguments.skip(b"("):
        raise BadCommandError("a list in parentheses expected")
    atoms = [arguments.atom()]
    while arguments.take(SPACE):
        atoms.append(arguments.atom())
    if not arguments.skip(b")"):
        raise BadCommandError("the list has no end")
    arguments.end()
    return atoms


def _list(session: Session, arguments: Arguments, answer: str, names: list[str]) -> str:
    arguments.space()
    reference = arguments.mailbox()
    arguments.space()
    pattern = arguments.list_pattern()
    arguments.end()
    if not pattern:
        session.untagged(f'{answer} (\\Noselect) "/" ""')
        return f"{answer} completed"
    wanted = _wildcards(reference + pattern)
    for name in names:
        if wanted.fullmatch(name):
            session.untagged(f'{answer} () "/" {quoted(name)}')
    return f"{answer} completed"


def _wildcards(pattern: str) -> re.Pattern[str]:
    if pattern.upper() == "INBOX":
        pattern = "INBOX"
    # Runs of wildcards are one: each more would cost the pattern another power of the length.
    parts = re.split(r"(\*+%*[*%]*|%+)", pattern)
    return re.compile("".join(_wildcard(part) for part in parts))


def _wildcard(part: str) -> str:
    if "*" in part:
        return ".*"
    return "[^/]*" if "%" in part else re.escape(part)
