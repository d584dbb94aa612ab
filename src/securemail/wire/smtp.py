"""SMTP replies, and what goes into commands and data (RFC 5321, RFC 3461). No I/O here."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.buffer import LineBuffer
from securemail.wire.text import words

# RFC 5321 section 4.2: the first digit is 2 to 5. What follows the code is a blank, a hyphen where
# more lines come, or nothing: the same section asks clients to accept a bare code.
_REPLY: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |\Z)")
_XTEXT_PLAIN: Final = re.compile(r"[!-*,-<>-~]")

# How much of a message is prepared at a time.
PIECE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply: its code, and the text of each line."""

    code: int
    lines: tuple[bytes, ...] = field(repr=False)  # a frame that is shown does not show them

    @property
    def kind(self) -> int:
        """The first digit, which decides (RFC 5321 section 4.3.2)."""
        return self.code // 100

    @property
    def enhanced(self) -> str:
        """The enhanced status code that the text begins with (RFC 2034), or nothing."""
        match = _ENHANCED.match(self.words)
        return match[1] if match else ""

    @property
    def words(self) -> str:
        """What the server says to a person, without the code."""
        return words(b" ".join(self.lines))

    def __str__(self) -> str:
        return f"{self.code} {self.words}"


class Answering:
    """Puts the lines of one reply after the other together."""

    __slots__ = ("_lines", "code")

    def __init__(self) -> None:
        self.code: int | None = None
        self._lines: list[bytes] = []

    def take(self, line: bytes) -> Answer | None:
        """Take one line; return the reply that it completes, if it does. `code` is what it has.

        Raises: ProtocolError for a line that is no part of a reply, or of another one than the
        lines before; LimitExceeded for a reply that is too long.
        """
        match = _REPLY.match(line)
        if match is None:
            raise ProtocolError(f"the server sent a line that is no reply: {words(line)!r}")
        code = int(match[1])
        if self._lines and code != self.code:
            raise ProtocolError(f"a reply of the server begins with {self.code}, then has {code}")
        self.code = code
        self._lines.append(match[3] or b"")
        if sum(map(len, self._lines)) > limits.REPLY_BYTES or (
            len(self._lines) > limits.LOGIN_UNTAGGED_LINES
        ):
            raise LimitExceeded("the server's reply has no end", limit=limits.REPLY_BYTES)
        if match[2] == b"-":
            return None
        lines, self._lines = tuple(self._lines), []
        return Answer(code, lines)

    def forget(self) -> None:
        """Drop the lines of an unfinished reply."""
        self._lines = []

    @property
    def has_begun(self) -> bool:
        """Whether there are lines of an unfinished reply."""
        return bool(self._lines)


class AnswerReader:
    """Cuts what a server sends into replies."""

    __slots__ = ("_answering", "_buffer")

    def __init__(self) -> None:
        self._buffer = LineBuffer(max_total=sys.maxsize)
        self._answering = Answering()

    def feed(self, data: bytes) -> Iterator[Answer]:
        """Yield the replies that `data` completes.

        Raises: ProtocolError and LimitExceeded, as `Answering` and `LineBuffer` do.
        """
        self._buffer.feed(data)
        while (line := self._buffer.next_line()) is not None:
            if (answer := self._answering.take(line)) is not None:
                yield answer

    @property
    def has_begun(self) -> bool:
        """Whether a part of a reply is here."""
        return bool(len(self._buffer)) or self._answering.has_begun


def xtext(text: str) -> str:
    """Return printable ASCII as xtext (RFC 3461 section 4): "+" and "=" have a meaning there."""
    return "".join(char if _XTEXT_PLAIN.match(char) else f"+{ord(char):02X}" for char in text)


def stuffed(data: bytes, at: int = 0) -> Iterator[bytes]:
    """Yield `data` from `at` on in pieces, as it goes behind DATA (RFC 5321 section 4.5.2).

    Lines get their CRLF and their dot, and the last one is ended. Not checked: lone CRs, and CRLF
    mixed with LF.
    """
    while at < len(data):
        end = data.rfind(b"\n", at, at + PIECE_BYTES) + 1 or data.find(b"\n", at) + 1 or len(data)
        piece = data[at:end]
        at = end
        if piece.endswith(b"\n") and not piece.endswith(b"\r\n"):
            piece = piece.replace(b"\n", b"\r\n")
        elif not piece.endswith(b"\n"):
            piece += b"\r\n"
        stuffing = b"." if piece.startswith(b".") else b""
        yield stuffing + piece.replace(b"\n.", b"\n..")
