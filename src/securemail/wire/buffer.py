"""Bytes in, lines out (RFC 9051 section 2.2, RFC 5321 section 2.3.8). No I/O here."""

from __future__ import annotations

from typing import Final

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError

CRLF: Final = b"\r\n"


class LineBuffer:
    """What a server sent and nobody has read yet, cut into lines that end in CRLF.

    A lone CR or LF does not end a line: servers and middleboxes that disagree on where a line ends
    are how commands get smuggled. Each byte is looked at once, however it is cut into chunks.
    """

    __slots__ = ("_data", "_max_line", "_max_total", "_seen", "_total")

    def __init__(
        self,
        *,
        max_line: int = limits.LOGIN_LINE_BYTES,
        max_total: int = limits.LOGIN_TOTAL_BYTES,
    ) -> None:
        self._data = bytearray()
        self._seen = 0
        self._total = 0
        self._max_line = max_line
        self._max_total = max_total

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Take what came from the server.

        Raises: LimitExceeded when the server has sent more than a login needs.
        """
        self._total += len(data)
        if self._total > self._max_total:
            raise LimitExceeded(
                f"the server sent more than {self._max_total} bytes before login",
                limit=self._max_total,
            )
        self._data += data

    def next_line(self) -> bytes | None:
        """Return the next line without its CRLF, or None when it has not come whole yet.

        Raises: LimitExceeded for a line that is too long, ProtocolError for a lone CR or LF or a
        NUL in it.
        """
        end = self._data.find(CRLF, self._seen)
        if (end if end >= 0 else len(self._data)) > self._max_line:
            raise LimitExceeded(
                f"the server sent a line of more than {self._max_line} bytes", limit=self._max_line
            )
        if end < 0:
            self._seen = max(0, len(self._data) - 1)
            return None
        line = bytes(self._data[:end])
        del self._data[: end + len(CRLF)]
        self._seen = 0
        if any(stray in line for stray in (b"\r", b"\n", b"\0")):
            raise ProtocolError("the server sent a line with a lone CR or LF, or a NUL, in it")
        return line

    def drain(self) -> bytes:
        """Return everything unread and forget it."""
        data = bytes(self._data)
        self._data.clear()
        self._seen = 0
        return data
