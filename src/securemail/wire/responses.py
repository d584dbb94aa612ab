# SPDX-License-Identifier: Apache-2.0
"""A stream of IMAP responses, cut into lines and literals as it arrives (RFC 3501 section 7).

Holds at most one unfinished line; literals are handed on in the pieces they came in, so that
whoever reads them decides what is kept. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from securemail import limits
from securemail.errors import LimitExceeded
from securemail.wire.buffer import CRLF

# Their text is for people: a "{5}" at its end announces nothing (RFC 3501 section 9, resp-text).
STATUS_WORDS: Final = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})

# int() of a text with more digits than this is either over every limit or refused by Python.
LITERAL_DIGITS: Final = 20


class Line(NamedTuple):
    """One line without its CRLF.

    `is_first` is false for what follows a literal of the same response; `literal` is the size of
    the literal that comes next, None when the response ends here.
    """

    text: bytes
    is_first: bool
    literal: int | None


class Chunk(NamedTuple):
    """A piece of the announced literal; `is_last` says that it is complete now."""

    data: bytes
    is_last: bool


class ResponseReader:
    """Cuts what a server sends into `Line` and `Chunk`, in time linear in its size.

    A response ends with the first line that announces no literal; parentheses are not counted,
    since quoted strings may hold any number of them.
    """

    __slots__ = ("_is_first", "_missing", "_partial")

    def __init__(self) -> None:
        self._partial = bytearray()
        self._missing = 0
        self._is_first = True

    def feed(self, data: bytes) -> Iterator[Line | Chunk]:
        """Yield what `data` completes. Take all of it before feeding more.

        Raises: `LimitExceeded` for a line above `LINE_BYTES`, before it is buffered, and for a
        literal above `LITERAL_BYTES`, when it is announced.
        """
        at = 0
        while at < len(data):
            if self._missing:
                chunk = self._chunk(data, at)
                at += len(chunk.data)
                yield chunk
                continue
            end = self._line_end(data, at)
            if not end:
                self._keep(data[at:])
                return
            yield (line := self._line(data, at, end))
            at = end
            if line.literal == 0:
                yield Chunk(b"", is_last=True)

    def _chunk(self, data: bytes, at: int) -> Chunk:
        piece = data[at : at + self._missing]
        self._missing -= len(piece)
        return Chunk(piece, not self._missing)

    def _line_end(self, data: bytes, at: int) -> int:
        # Only new octets are searched, or a line that comes octet by octet takes quadratic time.
        if self._partial.endswith(b"\r") and data.startswith(b"\n", at):
            return at + 1
        found = data.find(CRLF, at)
        return found + len(CRLF) if found >= 0 else 0

    def _keep(self, data: bytes) -> None:
        # One more than the limit: the last octet may be the CR.
        if len(self._partial) + len(data) > limits.LINE_BYTES + 1:
            raise _line_too_long()
        self._partial += data

    def _line(self, data: bytes, at: int, end: int) -> Line:
        if self._partial:
            # The CR may be the last octet of the partial line.
            text = bytes(self._partial + data[at:end])[: -len(CRLF)]
            self._partial = bytearray()
        else:
            text = data[at : end - len(CRLF)]
        if len(text) > limits.LINE_BYTES:
            raise _line_too_long()
        is_first, literal = self._is_first, None
        if text.endswith(b"}") and (not is_first or _carries_data(text)):
            literal = _announced(text)
        self._is_first = literal is None
        self._missing = literal or 0
        return Line(text, is_first, literal)


def _line_too_long() -> LimitExceeded:
    limit = limits.LINE_BYTES
    return LimitExceeded(f"a line is longer than {limit} bytes", limit=limit)


def _carries_data(text: bytes) -> bool:
    """Whether this first line is an untagged data response: only those have literals."""
    return text.startswith(b"* ") and text[2:10].partition(b" ")[0].upper() not in STATUS_WORDS


def _announced(text: bytes) -> int | None:
    """Return the size in the `{n}` at the end of `text`, None if there is none."""
    _, brace, size = text[:-1].rpartition(b"{")
    if not brace or not size.isdigit():
        return None
    limit = limits.LITERAL_BYTES
    if len(size) > LITERAL_DIGITS or int(size) > limit:
        shown = size[:LITERAL_DIGITS].decode("ascii")
        raise LimitExceeded(f"a literal of {shown} bytes is announced, above {limit}", limit=limit)
    return int(size)
