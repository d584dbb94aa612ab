"""POP3 replies: status lines, capabilities and listings (RFC 1939, RFC 2449). No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from securemail.errors import ProtocolError
from securemail.wire.text import parse_capabilities, words

TERMINATOR: Final = b"."

# More digits than this are no number of messages and no size of a mailbox.
_NUMBER: Final = re.compile(rb"[0-9]{1,20}\Z")
# RFC 1939 section 7: 0x21 to 0x7E. Its 70 characters at most are not held against a server.
# RFC 822's msg-id, and nothing else: the collisions of MD5 that APOP falls to are made of octets
# which it does not allow (Leurent 2007, RFC 1939 section 7).
_ATOMS: Final = rb"[\w!#$%&'*+/=?^`{|}~.-]+"
_TIMESTAMP: Final = re.compile(rb"<%b@%b>" % (_ATOMS, _ATOMS), re.ASCII)
_UID: Final = re.compile(rb"[\x21-\x7e]+\Z")


@dataclass(frozen=True, slots=True)
class Status:
    """`+OK text` or `-ERR text`."""

    is_ok: bool
    text: bytes = field(repr=False)  # a frame that is shown does not show it

    @property
    def words(self) -> str:
        """What the server says to a person, a response code first (RFC 2449 section 8)."""
        return words(self.text)


@dataclass(frozen=True, slots=True)
class Continuation:
    """`+ text`: a challenge (RFC 5034 section 4)."""

    text: bytes


def parse_reply(line: bytes) -> Status | Continuation:
    """Return what the first line of a reply says.

    The indicators are upper case and end with a space or the line (RFC 1939 section 3).

    Raises: ProtocolError for anything else.
    """
    indicator, _, text = line.partition(b" ")
    match indicator:
        case b"+OK":
            return Status(is_ok=True, text=text)
        case b"-ERR":
            return Status(is_ok=False, text=text)
        case b"+":
            return Continuation(text)
        case _:
            raise ProtocolError(f"the server sent a line that is no reply: {words(line)!r}")


def timestamp(text: bytes) -> bytes:
    """Return the timestamp in a greeting, with its brackets, or b"" where there is none.

    RFC 1939 section 7: there is one, in the form of a msg-id. What is not is none.
    """
    found = re.findall(rb"<[^<>]*>", text)
    is_good = len(found) == 1 and _TIMESTAMP.fullmatch(found[0]) is not None
    return found[0] if is_good else b""


def unstuffed(line: bytes) -> bytes:
    """Return a line of a multi-line answer without the dot in front that only protected it."""
    return line.removeprefix(TERMINATOR)


def parse_capa(lines: list[bytes]) -> frozenset[str]:
    """Return the lines of an answer to CAPA, each whole and in upper case: "SASL PLAIN LOGIN".

    Raises: LimitExceeded for too many, ProtocolError for one that is not printable ASCII.
    """
    return parse_capabilities([b" ".join(line.split()) for line in lines])


def arguments(capabilities: frozenset[str], tag: str) -> frozenset[str] | None:
    """Return what stands behind `tag` in the capabilities, None where it is not among them."""
    found = [rest for name, *rest in map(str.split, capabilities) if name == tag]
    return frozenset(word for rest in found for word in rest) if found else None


def parse_numbers(text: bytes, count: int) -> tuple[int, ...]:
    """Return the first `count` numbers of `text`; what follows them is for extensions.

    RFC 1939 section 5: STAT and LIST end after two, but servers add to them.

    Raises: ProtocolError when there are fewer.
    """
    # Not all of them: a line of two million numbers would take sixteen times its size.
    fields = text.split(None, count)[:count]
    if len(fields) < count or not all(map(_NUMBER.match, fields)):
        raise ProtocolError(f"the server sent {words(text)!r} instead of {count} numbers")
    return tuple(map(int, fields))


def parse_unique_id(text: bytes) -> tuple[int, str]:
    """Return the number and the unique id of a message (RFC 1939 section 7).

    Raises: ProtocolError when it is not that.
    """
    fields = text.split(b" ", 2)[:2]
    if len(fields) < 2 or not _NUMBER.match(fields[0]) or not _UID.match(fields[1]):
        raise ProtocolError(f"the server sent {words(text)!r} instead of a unique id")
    return int(fields[0]), fields[1].decode("ascii")
