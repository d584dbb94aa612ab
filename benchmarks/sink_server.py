"""A submission server that takes all messages and keeps none: Postfix has its queue and a delivery.

    python -m benchmarks.sink_server PEM

It prints its port. Any login is let in.
"""

from __future__ import annotations

import sys

from benchmarks.talking import serve

_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n"
_SAID = {b"EHLO": _EHLO, b"AUTH": b"235 2.7.0 in\r\n", b"QUIT": b"221 2.0.0 bye\r\n"}
_END = b"\r\n.\r\n"


class Sink:
    """What one client hears."""

    greeting = b"220 sink ESMTP\r\n"

    def __init__(self) -> None:
        self._in = b""
        self._is_message = False

    def feed(self, data: bytes) -> bytes:
        """Answer the commands and messages that are whole."""
        self._in += data
        said = b""
        while True:
            end = _END if self._is_message else b"\r\n"
            piece, found, rest = self._in.partition(end)
            if not found:
                return said
            self._in = rest
            said += self._answer(piece)

    def _answer(self, piece: bytes) -> bytes:
        if self._is_message:
            self._is_message = False
            return b"250 2.0.0 taken\r\n"
        verb = piece[:4].upper()
        if verb == b"DATA":
            self._is_message = True
            return b"354 go on\r\n"
        return _SAID.get(verb, b"250 2.0.0 ok\r\n")


if __name__ == "__main__":
    serve(sys.argv[1], Sink)
