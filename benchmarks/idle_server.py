"""An IMAP server that holds very many sessions in little memory: Dovecot has a process for each.

    python -m benchmarks.idle_server PEM BURST_BYTES

It prints its port. Any login is let in, FETCH gets a message of so many bytes, IDLE waits.
"""

from __future__ import annotations

import resource
import selectors
import socket
import sys

from OpenSSL import SSL

CAPABILITY = b"CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE"


class Session:
    """One client."""

    def __init__(self, sock: socket.socket, context: SSL.Context, burst: bytes) -> None:
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._burst = burst
        self._is_greeted = False
        self._idle_tag = b""
        self._in = b""
        self._out = b""

    def advance(self) -> bool:
        """Do what can be done now; return whether something waits to be written."""
        try:
            if not self._is_greeted:
                self._tls.do_handshake()
                self._is_greeted = True
                self._out += b"* OK [%s] hi\r\n" % CAPABILITY
            self._flush()
            while True:
                self._in += self._tls.recv(4096)
                *lines, self._in = self._in.split(b"\r\n")
                for line in lines:
                    self._out += self._answer(line)
                self._flush()
        except SSL.WantReadError:
            return bool(self._out)
        except SSL.WantWriteError:
            return True

    def _flush(self) -> None:
        while self._out:
            self._out = self._out[self._tls.send(self._out[:16384]) :]

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
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_file(pem)
    context.use_privatekey_file(pem)
    context.set_mode(0x10)  # SSL_MODE_RELEASE_BUFFERS
    burst = b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\n" % (burst_bytes, b"x" * burst_bytes)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in ready.select():
            if key.data is None:
                sock, _ = listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(sock, selectors.EVENT_READ, Session(sock, context, burst))
                continue
            try:
                waits = key.data.advance()
            except (SSL.Error, OSError):
                ready.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]  # a socket
                continue
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if waits else 0)
            if events != key.events:
                ready.modify(key.fileobj, events, key.data)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
