"""IMAP response lines up to login, and the command lines we send (RFC 9051). No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.text import parse_capabilities, words


class Condition(Enum):
    """The five status conditions (RFC 9051 section 7.1)."""

    OK = b"OK"
    NO = b"NO"
    BAD = b"BAD"
    PREAUTH = b"PREAUTH"
    BYE = b"BYE"


_CONDITIONS: Final = {condition.value: condition for condition in Condition}
_TAGGED: Final = frozenset({Condition.OK, Condition.NO, Condition.BAD})
_LITERAL: Final = re.compile(rb"\{(\d+)\}\Z")
_SAFE_QUOTED: Final = re.compile(rb"[\x20-\x7e]*\Z")


@dataclass(frozen=True, slots=True)
class Status:
    """`tag OK [code] text`; `tag` is None for an untagged one."""

    tag: bytes | None
    condition: Condition
    code: bytes
    text: bytes

    @property
    def capabilities(self) -> frozenset[str] | None:
        """The list in a CAPABILITY response code, or None where there is none."""
        name, *rest = self.code.split(b" ")
        return parse_capabilities(rest) if name.upper() == b"CAPABILITY" else None

    @property
    def words(self) -> str:
        """What the server says to a person, its response code first."""
        return words(b"[%s] %s" % (self.code, self.text) if self.code else self.text)


@dataclass(frozen=True, slots=True)
class Data:
    """`* NAME ...`: untagged data."""

    name: bytes
    rest: bytes


@dataclass(frozen=True, slots=True)
class Continuation:
    """`+ text`."""

    text: bytes


def parse_response(line: bytes) -> Status | Data | Continuation:
    """Return what one line says.

    Raises: ProtocolError for a line that is no response, or that announces a literal: nothing that
    a server says before login needs one. LimitExceeded for a literal past all bounds.
    """
    if line == b"+" or line.startswith(b"+ "):
        return Continuation(line[2:])
    tag, space, rest = line.partition(b" ")
    if not space or not tag:
        raise ProtocolError(f"the server sent a line that is no response: {words(line)!r}")
    name, _, text = rest.partition(b" ")
    condition = _CONDITIONS.get(name.upper())
    if tag != b"*" and condition not in _TAGGED:
        raise ProtocolError(f"the server sent a tagged line without a status: {words(line)!r}")
    if condition is not None:
        return Status(None if tag == b"*" else tag, condition, *_split_code(text))
    _refuse_literal(text)
    return Data(name.upper(), text)


def _split_code(text: bytes) -> tuple[bytes, bytes]:
    if not text.startswith(b"["):
        return b"", text
    code, bracket, rest = text[1:].partition(b"]")
    return (code, rest.removeprefix(b" ")) if bracket else (b"", text)


def _refuse_literal(text: bytes) -> None:
    match = _LITERAL.search(text)
    if match is None:
        return
    digits = match[1].lstrip(b"0")
    if len(digits) > len(str(limits.LITERAL_BYTES)) or int(digits or b"0") > limits.LITERAL_BYTES:
        raise LimitExceeded(
            f"the server announced a literal of more than {limits.LITERAL_BYTES} bytes",
            limit=limits.LITERAL_BYTES,
        )
    raise ProtocolError("the server announced a literal before login")


def quoted(text: str) -> bytes | None:
    """Return `text` as a quoted string, or None where only a literal can carry it."""
    data = text.encode()
    if not _SAFE_QUOTED.match(data):
        return None
    return b'"%s"' % data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
