"""Commands on messages: STAT, LIST, UIDL, RETR, TOP, DELE, RSET and NOOP (RFC 1939 section 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from securemail.testing.pop3.session import RefusedError, Session
from securemail.testing.store import Message

_TOP: Final = re.compile(rb"(\d{1,10}) (\d{1,10})")
_GONE: Final = "no such message"


async def stat(session: Session, argument: bytes) -> str:
    """STAT."""
    _require_none(argument)
    sizes = [len(message.data) for _, message in _present(session)]
    return f"{len(sizes)} {sum(sizes)}"


async def list_(session: Session, argument: bytes) -> str | None:
    """LIST, of one message or all."""
    return _listing(session, argument, lambda message: str(len(message.data)))


async def uidl(session: Session, argument: bytes) -> str | None:
    """UIDL, of one message or all."""
    validity = session.mailbox.uidvalidity
    return _listing(session, argument, lambda message: f"{validity}.{message.uid}")


async def retr(session: Session, argument: bytes) -> None:
    """RETR."""
    message = _readable(session, argument)
    session.text(f"{len(message.data)} octets", message.data)


async def top(session: Session, argument: bytes) -> None:
    """TOP: the header, the empty line, and some lines of the body."""
    found = _TOP.fullmatch(argument)
    if not found:
        raise RefusedError("two numbers expected")
    message = _readable(session, found[1])
    header, empty, body = message.data.partition(b"\r\n\r\n")
    lines = body.split(b"\r\n")[: int(found[2])]
    session.text("top follows", header + empty + b"".join(line + b"\r\n" for line in lines))


async def dele(session: Session, argument: bytes) -> str:
    """DELE: a mark that QUIT makes come true."""
    session.deleted.add(_message(session, argument).uid)
    return "marked"


async def rset(session: Session, argument: bytes) -> str:
    """RSET."""
    _require_none(argument)
    session.deleted.clear()
    return "no marks are left"


async def noop(_session: Session, argument: bytes) -> str:
    """NOOP."""
    _require_none(argument)
    return "still here"


def _listing(session: Session, argument: bytes, show: Callable[[Message], str]) -> str | None:
    if argument:
        return f"{int(argument)} {show(_message(session, argument))}"
    lines = [f"{number} {show(message)}\r\n" for number, message in _present(session)]
    session.text(f"{len(lines)} messages", "".join(lines).encode())
    return None


def _present(session: Session) -> Iterator[tuple[int, Message]]:
    """Yield the messages that are not marked, nor gone by another way, with their numbers."""
    for number, uid in enumerate(session.uids, 1):
        message = session.mailbox.messages.get(uid)
        if message is not None and uid not in session.deleted:
            yield number, message


def _readable(session: Session, argument: bytes) -> Message:
    """Return a message that the client can take: in UTF-8 mode any (RFC 6856 section 5)."""
    message = _message(session, argument)
    is_strict = session.maildrops.offers_utf8 and not session.is_utf8
    if is_strict and not message.data.partition(b"\r\n\r\n")[0].isascii():
        raise RefusedError("[UTF8] the message can be had in UTF-8 mode only")
    return message


def _message(session: Session, argument: bytes) -> Message:
    if not re.fullmatch(rb"\d{1,10}", argument) or not 1 <= int(argument) <= len(session.uids):
        raise RefusedError(_GONE)
    uid = session.uids[int(argument) - 1]
    message = session.mailbox.messages.get(uid)
    if message is None or uid in session.deleted:
        raise RefusedError(_GONE)
    return message


def _require_none(argument: bytes) -> None:
    if argument:
        raise RefusedError("no argument expected")
