"""One POP3 answer, cut out of a stream as it arrives (RFC 1939 section 3). No I/O here."""

from __future__ import annotations

from typing import Final

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError
from securemail.wire.buffer import CRLF
from securemail.wire.pop3 import Status, parse_reply

_END: Final = b"\r\n.\r\n"
# How it can begin at the end of what has come so far, the longest first.
_BEGINNINGS: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class AnswerReader:
    """Reads one answer: the status line, and the text behind it where there is any.

    Holds an unfinished status line or four octets of the text, and nothing else; each octet is
    looked at once, however they are cut. Text is what was sent without the dots that only protect a
    line: its line ends and octets of any value are kept as they are.
    """

    __slots__ = ("_held", "_is_begun", "_is_multiline", "status")

    def __init__(self, *, is_multiline: bool) -> None:
        self.status: Status | None = None
        self._is_multiline = is_multiline
        self._held = b""
        self._is_begun = False

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Return the text in `data`, and what follows the answer; None as long as it goes on.

        Feed no more after the end. An answer that begins with -ERR has no text.

        Raises: ProtocolError for a line that is no status, LimitExceeded for one without end.
        """
        if self.status is None:
            found = self._read_status(data)
            if found is None:
                return b"", None
            self.status, data = found
            if not (self._is_multiline and self.status.is_ok):
                return b"", data
            # The text begins as if behind a CRLF: its first line may be the last.
            self._held = CRLF
        return self._read_text(self._held + data)

    def _read_status(self, data: bytes) -> tuple[Status, bytes] | None:
        line = self._held + data
        end = line.find(CRLF, max(0, len(self._held) - 1))
        # Without its end, the last octet may be the CR.
        if (end if end >= 0 else len(line) - 1) > limits.POP3_STATUS_BYTES:
            raise LimitExceeded(
                f"a status line is longer than {limits.POP3_STATUS_BYTES} bytes",
                limit=limits.POP3_STATUS_BYTES,
            )
        if end < 0:
            self._held = line
            return None
        return _parse_status(line[:end]), line[end + len(CRLF) :]

    def _read_text(self, text: bytes) -> tuple[bytes, bytes | None]:
        end, rest = text.find(_END), None
        if end >= 0:
            text, rest = text[: end + len(CRLF)], text[end + len(_END) :]
        else:
            self._held = next(filter(text.endswith, _BEGINNINGS), b"")
            text = text[: len(text) - len(self._held)]
        text = text.replace(b"\r\n.", CRLF)
        if text and not self._is_begun:
            self._is_begun = True
            text = text.removeprefix(CRLF)
        return text, rest


def _parse_status(line: bytes) -> Status:
    if any(stray in line for stray in (b"\r", b"\n", b"\0")):
        raise ProtocolError("the server sent a line with a lone CR or LF, or a NUL, in it")
    reply = parse_reply(line)
    if not isinstance(reply, Status):
        raise ProtocolError("the server asked for more, and there is no more")
    return reply
