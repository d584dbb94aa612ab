"""What a server says about a mailbox that is selected (RFC 3501, 4731, 7162). No I/O here."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from securemail.errors import ProtocolError, UsageError
from securemail.uids import HIGHEST_UID, UIDSet
from securemail.wire.text import words

_NUMBERED: Final = re.compile(
    rb"([0-9]{1,10}) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?\Z", re.IGNORECASE
)
_VANISHED: Final = re.compile(rb"VANISHED (\(EARLIER\) )?([0-9:,]+)\Z", re.IGNORECASE)
_SEARCH: Final = re.compile(rb"SEARCH([0-9 ]*)(?:\(MODSEQ [0-9]{1,20}\) ?)?\Z", re.IGNORECASE)
_ESEARCH: Final = re.compile(rb'ESEARCH(?: \(TAG "?[^" ()]+"?\))? UID(.*)\Z', re.IGNORECASE)
_CODE: Final = re.compile(
    rb"OK \[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) ([0-9]{1,20})\]", re.IGNORECASE
)
_KIND: Final = re.compile(rb"[A-Za-z]{1,12}")
_BYE: Final = re.compile(rb"BYE\b ?(.*)\Z", re.IGNORECASE)
_ALL: Final = re.compile(rb" ALL ([0-9:,]+)", re.IGNORECASE)
# A flag may be any atom, "UID" and "5" included: flags go before anything else is looked for.
_FLAGS: Final = re.compile(rb"\bFLAGS \([^()]*\)", re.IGNORECASE)
_UID: Final = re.compile(rb"(?:^| )UID ([0-9]{1,10})(?: |\Z)", re.IGNORECASE)
_MODSEQ: Final = re.compile(rb"(?:^| )MODSEQ \(([0-9]{1,20})\)", re.IGNORECASE)
_DIGITS: Final = re.compile(rb"[0-9]+")

_UID_DIGITS: Final = 10
HIGHEST_MODSEQ: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Exists:
    """So many messages are there."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunged:
    """The message with that number is gone, and all later ones count one less."""

    number: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """Messages with these UIDs are gone; `is_earlier` for what happened before we looked."""

    uids: UIDSet
    is_earlier: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message, and whether its flags were told."""

    number: int
    uid: int | None
    modseq: int
    has_flags: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to UID SEARCH."""

    uids: UIDSet


@dataclass(frozen=True, slots=True)
class Code:
    """UIDVALIDITY, UIDNEXT or HIGHESTMODSEQ."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The server ends the session."""

    words: str


Item = Exists | Expunged | Vanished | Fetched | Found | Code | Bye


def parse_items(lines: Iterable[bytes | bytearray]) -> Iterator[Item]:
    """Yield what untagged responses, without their "* ", say about the mailbox; skip the rest.

    Raises: ProtocolError for one of these that is malformed, and for a literal, which none of them
    has: what follows it could be anybody's text.
    """
    for line in lines:
        if isinstance(line, bytearray):
            raise ProtocolError("the server sent a literal where there is nothing to put into it")
        if (item := _item(line)) is not None:
            yield item


def _item(line: bytes) -> Item | None:
    name = line.split(b" ", 2)[:2]
    if name[0].isdigit() and len(name) == 2:
        return _numbered(line) if name[1].upper() in (b"EXISTS", b"EXPUNGE", b"FETCH") else None
    match name[0].upper():
        case b"VANISHED":
            found = _matched(_VANISHED, line)
            return Vanished(UIDSet.parse(found[2]), is_earlier=bool(found[1]))
        case b"SEARCH":
            found = _matched(_SEARCH, line)
            return Found(UIDSet.of(map(_uid, _DIGITS.finditer(found[1]))))
        case b"ESEARCH":
            found = _matched(_ESEARCH, line)
            everything = _ALL.search(found[1])
            return Found(UIDSet.parse(everything[1]) if everything else UIDSet())
        case b"OK":
            code = _CODE.match(line)
            return _code(code) if code else None
        case b"BYE":
            return Bye(words(_matched(_BYE, line)[1]))
    return None


def _matched(pattern: re.Pattern[bytes], line: bytes) -> re.Match[bytes]:
    match = pattern.match(line)
    if match is None:
        raise malformed(line)
    return match


def malformed(line: bytes) -> ProtocolError:
    """Return the error of a response of a kind that we know, without what it says: it may be mail.

    Nobody takes secrets out of it, either.
    """
    kind = _KIND.search(line)
    name = kind[0].decode("ascii").upper() if kind else "response"
    return ProtocolError(f"the server sent a malformed {name} of {len(line)} bytes")


def _uid(match: re.Match[bytes]) -> int:
    if match.end() - match.start() > _UID_DIGITS:
        raise ProtocolError(f"the server found a message with {len(match[0])} digits")
    return int(match[0])


def _code(match: re.Match[bytes]) -> Code:
    name, value = match[1].decode("ascii").upper(), int(match[2])
    highest = HIGHEST_MODSEQ if name == "HIGHESTMODSEQ" else HIGHEST_UID
    if value > highest:
        raise ProtocolError(f"the server sent a {name} of {value}")
    return Code(name, value)


def _numbered(line: bytes) -> Item:
    match = _matched(_NUMBERED, line)
    number = int(match[1])
    if number > HIGHEST_UID:
        raise ProtocolError(f"the server counts {number} messages")
    match match[2].upper():
        case b"EXISTS":
            return Exists(number)
        case b"EXPUNGE":
            return Expunged(number)
        case _:
            return _fetched(number, match[3] or b"")


def _fetched(number: int, attributes: bytes) -> Fetched:
    rest, flags = _FLAGS.subn(b"", attributes, count=1)
    uid, modseq = _UID.search(rest.strip()), _MODSEQ.search(rest.strip())
    value = int(modseq[1]) if modseq else 0
    if value > HIGHEST_MODSEQ or (uid and not 0 < int(uid[1]) <= HIGHEST_UID):
        raise ProtocolError(f"the server sent message {number} with a number that cannot be")
    return Fetched(number, int(uid[1]) if uid else None, value, has_flags=bool(flags))


def mailbox_argument(name: str) -> str:
    """Return a mailbox's name as commands carry it: quoted, in modified UTF-7 (RFC 3501 5.1.3).

    Raises: UsageError for an empty name, one with control characters, or one without end.
    """
    if not isinstance(name, str) or not name or len(name) > 1000 or not name.isprintable():
        raise UsageError(f"{name!r} is not the name of a mailbox", field="mailbox")
    encoded = re.sub(r"[^\x20-\x25\x27-\x7e]+", lambda match: _utf7(match[0]), name)
    escaped = encoded.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utf7(text: str) -> str:
    return "".join(
        "&-" if part == "&" else f"&{_base64(part)}-" for part in re.split("(&)", text) if part
    )


def _base64(text: str) -> str:
    encoded = base64.b64encode(text.encode("utf-16-be", "surrogatepass"))
    return encoded.decode("ascii").rstrip("=").replace("/", ",")
