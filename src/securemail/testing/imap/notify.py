"""NOTIFY (RFC 5465): mailboxes that are not selected are told of by STATUS, when they change."""

from __future__ import annotations

from functools import partial
from typing import Final

from securemail.testing.imap.mailboxes import status_of
from securemail.testing.imap.session import RefusedError, Session
from securemail.testing.imap.syntax import SPACE, Arguments, BadCommandError
from securemail.testing.store import Mailbox, canonical_name

_EVENTS: Final = frozenset({"MESSAGENEW", "MESSAGEEXPUNGE", "FLAGCHANGE"})
_ITEMS: Final = ("MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN")


async def notify(session: Session, arguments: Arguments) -> str:
    """NOTIFY NONE, and NOTIFY SET with mailboxes by their names; no other filter is known."""
    if not session.site.has_notify:
        raise BadCommandError("NOTIFY is unknown")
    arguments.space()
    names: list[str] = []
    is_told_now = False
    match arguments.atom():
        case "SET":
            arguments.space()
            is_told_now = arguments.skip(b"STATUS ")
            names = _event_group(arguments)
        case "NONE":
            pass
        case other:
            raise BadCommandError(f"NOTIFY has no {other}")
    arguments.end()
    session.notified.close()
    for name, mailbox in _existing(session, names).items():
        tell = partial(_tell, session, name, mailbox)
        session.notified.enter_context(mailbox.subscribed(tell))
        if is_told_now:
            tell()
    return "NOTIFY completed"


def _tell(session: Session, name: str, mailbox: Mailbox) -> None:
    # What is selected is told of in other words, and only if the client asked for it (section 6.1).
    if session.selected is None or session.selected.mailbox is not mailbox:
        session.untagged(status_of(name, mailbox, _ITEMS))


def _existing(session: Session, names: list[str]) -> dict[str, Mailbox]:
    store = session.site.store
    here = set(store.names(session.user))
    canonical = dict.fromkeys(map(canonical_name, names))
    return {name: store.mailbox(session.user, name) for name in canonical if name in here}


def _event_group(arguments: Arguments) -> list[str]:
    if not arguments.skip(b"(") or arguments.atom() != "MAILBOXES":
        raise BadCommandError("(mailboxes ...) expected")
    arguments.space()
    names = _names(arguments)
    arguments.space()
    events = _events(arguments)
    if not arguments.skip(b")"):
        raise BadCommandError("the event group has no end")
    if unknown := sorted(events - _EVENTS):
        raise RefusedError(f"[BADEVENT ({' '.join(sorted(_EVENTS))})] there is no {unknown[0]}")
    return names


def _names(arguments: Arguments) -> list[str]:
    if not arguments.skip(b"("):
        return [arguments.mailbox()]
    names = [arguments.mailbox()]
    while arguments.take(SPACE):
        names.append(arguments.mailbox())
    if not arguments.skip(b")"):
        raise BadCommandError("the list of mailboxes has no end")
    return names


def _events(arguments: Arguments) -> set[str]:
    if not arguments.skip(b"("):
        raise BadCommandError("a list of events expected")
    events = {arguments.atom()}
    while arguments.take(SPACE):
        events.add(arguments.atom())
    if not arguments.skip(b")"):
        raise BadCommandError("the list of events has no end")
    return events
