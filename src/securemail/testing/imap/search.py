"""The keys of SEARCH (RFC 3501 section 6.4.4). No I/O here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from enum import Enum
from typing import Final

from securemail.testing.imap.fetch import section, split
from securemail.testing.imap.session import RefusedError
from securemail.testing.imap.syntax import SEQUENCE_SET, Arguments, BadCommandError
from securemail.testing.imap.view import View
from securemail.testing.store import Message

# NOT NOT NOT …: the keys become calls inside calls.
MAX_KEYS: Final = 200
CHARSETS: Final = ("US-ASCII", "UTF-8")

_FLAG_KEYS: Final = {
    "ANSWERED": "\\Answered",
    "DELETED": "\\Deleted",
    "DRAFT": "\\Draft",
    "FLAGGED": "\\Flagged",
    "SEEN": "\\Seen",
}
_HEADER_KEYS: Final = frozenset({"FROM", "TO", "CC", "BCC", "SUBJECT"})
_NAME: Final = re.compile(rb"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may be found; `number` is its sequence number."""

    number: int
    message: Message
    is_recent: bool


Test = Callable[[Candidate], bool]


class Sign(Enum):
    """What is no test itself, but joins them."""

    NOT = "NOT"
    OR = "OR"
    OPEN = "("
    CLOSE = ")"


def parse_search(arguments: Arguments, view: View) -> Test:
    """Read all keys and return the test that a message must pass.

    Raises `BadCommandError` for what is no search, `RefusedError` for an unknown character set.
    """
    if arguments.skip(b"CHARSET ") or arguments.skip(b"charset "):
        charset = arguments.astring().decode("latin-1").upper()
        if charset not in CHARSETS:
            raise RefusedError(f"[BADCHARSET ({' '.join(CHARSETS)})] {charset} is not known")
        arguments.space()
    return _joined(_tokens(arguments, view))


def _tokens(arguments: Arguments, view: View) -> list[Test | Sign]:
    tokens: list[Test | Sign] = []
    while not arguments.at_end():
        if len(tokens) >= MAX_KEYS:
            raise BadCommandError(f"more than {MAX_KEYS} keys")
        if arguments.skip(b"("):
            tokens.append(Sign.OPEN)
            continue
        if arguments.skip(b")"):
            tokens.append(Sign.CLOSE)
        else:
            tokens.append(_key(arguments, view))
        if not arguments.at_end() and not arguments.peek(b")"):
            arguments.space()
    return tokens


def _joined(tokens: list[Test | Sign]) -> Test:
    """Read the prefix notation from its end, so that what a sign joins is there already."""
    groups: list[list[Test]] = [[]]
    for token in reversed(tokens):
        match token:
            case Sign.CLOSE:
                groups.append([])
            case Sign.OPEN:
                inner = groups.pop()
                if not groups:
                    raise BadCommandError("a parenthesis without end")
                groups[-1].append(_all(_some(inner)))
            case Sign.NOT:
                groups[-1].append(_not(_pop(groups[-1])))
            case Sign.OR:
                groups[-1].append(_either(_pop(groups[-1]), _pop(groups[-1])))
            case _:
                groups[-1].append(token)
    if len(groups) != 1:
        raise BadCommandError("a parenthesis without beginning")
    return _all(_some(groups[0]))


def _key(arguments: Arguments, view: View) -> Test | Sign:
    if found := arguments.take(SEQUENCE_SET):
        return _in_set(found[0], view, by_uid=False)
    name = arguments.require(_NAME, "search key").decode("ascii").upper()
    if name in ("NOT", "OR"):
        return Sign[name]
    return _simple(name) or _with_argument(name, arguments, view)


def _simple(name: str) -> Test | None:
    if name in _FLAG_KEYS:
        return _has_flag(_FLAG_KEYS[name])
    if name.startswith("UN") and name[2:] in _FLAG_KEYS:
        return _not(_has_flag(_FLAG_KEYS[name[2:]]))
    match name:
        case "ALL":
            return lambda _: True
        case "RECENT":
            return lambda c: c.is_recent
        case "OLD":
            return lambda c: not c.is_recent
        case "NEW":
            return lambda c: c.is_recent and "\\Seen" not in c.message.flags
        case _:
            return None


def _with_argument(name: str, arguments: Arguments, view: View) -> Test:  # noqa: C901 - a table
    arguments.space()
    if name in _HEADER_KEYS:
        return _header(name, _wanted(arguments))
    match name:
        case "UID":
            return _in_set(arguments.require(SEQUENCE_SET, "UID set"), view, by_uid=True)
        case "HEADER":
            field = arguments.astring().decode("latin-1")
            arguments.space()
            return _header(field, _wanted(arguments))
        case "TEXT":
            return _contains(_wanted(arguments), lambda data: data)
        case "BODY":
            return _contains(_wanted(arguments), lambda data: split(data)[1])
        case "SINCE" | "BEFORE" | "ON":
            return _dated(name, arguments.date())
        case "LARGER":
            size = arguments.number()
            return lambda c: len(c.message.data) > size
        case "SMALLER":
            size = arguments.number()
            return lambda c: len(c.message.data) < size
        case "KEYWORD":
            return _has_flag(_wanted_keyword(arguments))
        case "UNKEYWORD":
            return _not(_has_flag(_wanted_keyword(arguments)))
        case _:
            raise BadCommandError(f"SEARCH has no {name} here")


def _wanted(arguments: Arguments) -> str:
    return arguments.astring().decode("utf-8", "replace").casefold()


def _wanted_keyword(arguments: Arguments) -> str:
    return arguments.astring().decode("utf-8", "replace")


def _has_flag(flag: str) -> Test:
    return lambda c: flag in c.message.flags


def _in_set(sequence_set: bytes, view: View, *, by_uid: bool) -> Test:
    uids = {uid for _, uid in view.find(sequence_set.decode("ascii"), by_uid=by_uid)}
    return lambda c: c.message.uid in uids


def _contains(wanted: str, part: Callable[[bytes], bytes]) -> Test:
    return lambda c: wanted in part(c.message.data).decode("utf-8", "replace").casefold()


def _header(field: str, wanted: str) -> Test:
    def test(candidate: Candidate) -> bool:
        fields = section(candidate.message.data, f"HEADER.FIELDS ({field})")
        return wanted in _unencoded(fields.decode("utf-8", "replace")).casefold()

    return test


def _unencoded(text: str) -> str:
    _, _, value = re.sub(r"\r\n(?=[ \t])", "", text).partition(":")
    try:
        return str(make_header(decode_header(value.strip())))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _dated(name: str, date: dt.date) -> Test:
    match name:
        case "SINCE":
            return lambda c: c.message.internal_date.date() >= date
        case "BEFORE":
            return lambda c: c.message.internal_date.date() < date
        case _:
            return lambda c: c.message.internal_date.date() == date


def _not(test: Test) -> Test:
    return lambda c: not test(c)


def _either(one: Test, other: Test) -> Test:
    return lambda c: one(c) or other(c)


def _all(tests: list[Test]) -> Test:
    return lambda c: all(test(c) for test in tests)


def _pop(tests: list[Test]) -> Test:
    return _some(tests).pop()


def _some(tests: list[Test]) -> list[Test]:
    if not tests:
        raise BadCommandError("a search key is missing")
    return tests
