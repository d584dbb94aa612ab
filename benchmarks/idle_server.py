"""An IMAP server that holds very many sessions in little memory: Dovecot has a process for each.

    python -m benchmarks.idle_server PEM BURST_BYTES

It prints its port. Any login is let in, FETCH gets a message of so many bytes, IDLE waits.
"""

from __future__ import annotations

import sys

from benchmarks.talking import serve

CAPABILITY = b"CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE"


class Mailbox:
    """What one client hears."""

    greeting = b"* OK [%s] hi\r\n" % CAPABILITY

    def __init__(self, burst: bytes) -> None:
        self._burst = burst
        self._idle_tag = b""
        self._in = b""

    def feed(self, data: bytes) -> bytes:
        """Answer the lines that are whole."""
        *lines, self._in = (self._in + data).split(b"\r\n")
        return b"".join(map(self._answer, lines))

    def _answer(self, line: bytes) -> bytes:
        tag, _, rest = line.partition(b" ")
        command = rest.split(b" ")[0].upper()
        if line.upper() == b"DONE":
            return self._idle_tag + b" OK done\r\n"
        if command == b"IDLE":
            self._idle_tag = tag
            return b"+ idling\r\n"
        said = {
            b"CAPABILITY": b"* %s\r\n" % CAPABILITY,
            b"SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n",
            b"FETCH": self._burst,
            b"LIST": b'* LIST (\\Noselect) "/" ""\r\n',
            b"LOGOUT": b"* BYE bye\r\n",
        }
        return said.get(command, b"") + tag + b" OK done\r\n"


def main(pem: str, burst_bytes: int) -> None:
    burst = b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\n" % (burst_bytes, b"x" * burst_bytes)
    serve(pem, lambda: Mailbox(burst))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
