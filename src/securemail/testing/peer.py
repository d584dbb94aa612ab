"""One connection of a `ScriptedServer`: exact octets out, a record of everything that came in."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import Final

from securemail.testing.tls import CHUNK, ServerTLS

# A handshake record with a version of 3.x, where a line could begin.
_FIRST_RECORD: Final = re.compile(rb"(?:\A|(?<=\n))\x16\x03[\x00-\x04]")
MAX_LINE_BYTES: Final = 1024 * 1024


class ScriptError(Exception):
    """The client did something else than the script says. The message ends up in `.problem`."""


@dataclass(slots=True)
class Transcript:
    """What one connection's client did, as seen on the server's socket."""

    raw: bytearray = field(default_factory=bytearray)
    plaintext: bytearray = field(default_factory=bytearray)
    client_certificate: bytes | None = None
    has_close_notify: bool = False  # the client ended TLS properly
    problem: str | None = None
    steps: int = 0  # carried out to their end

    @property
    def cleartext(self) -> bytes:
        """Everything sent before the first TLS record: all of it when there was none."""
        found = _FIRST_RECORD.search(self.raw)
        return bytes(self.raw[: found.start()] if found else self.raw)


class Peer:
    """The client, through a non-blocking socket that the caller closes."""

    def __init__(self, sock: socket.socket) -> None:
        self.transcript: Final = Transcript()
        self.tag = b""
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._tls: ServerTLS | None = None
        self._unread = bytearray()  # received, not taken by a line yet

    async def send(self, data: bytes) -> None:
        """Send in one call: as it is, or as one flight of records inside TLS."""
        if self._tls is None:
            await self.send_raw(data)
            return
        self._tls.encrypt(data)
        await self.send_raw(self._tls.outgoing())

    async def send_raw(self, data: bytes) -> None:
        """Send octets past TLS."""
        if data:
            await self._loop.sock_sendall(self._socket, data)

    async def send_each(self, parts: list[bytes]) -> None:
        """Send each part by itself. A client on the same loop sees them one by one."""
        for part in parts:
            await self.send(part)
            # The loop finds the client's socket readable in the first turn; it reads in the second.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def repeat(self, data: bytes, times: int) -> None:
        """Send the same octets many times; the socket's buffer sets the pace."""
        at_once = max(1, CHUNK // max(1, len(data)))
        full, rest = divmod(times, at_once)
        for _ in range(full):
            await self.send(data * at_once)
        await self.send(data * rest)

    async def read_line(self) -> bytes:
        """Return one line without its CRLF, and keep the first of several words as the tag.

        Raises:
            ScriptError: the client left, began TLS, or sent no line.

        """
        while True:
            if self._tls is None and _FIRST_RECORD.match(self._unread):
                raise ScriptError("the client began TLS where a line was expected")
            if b"\n" in self._unread:
                break
            if len(self._unread) > MAX_LINE_BYTES:
                raise ScriptError(f"a line of more than {MAX_LINE_BYTES} bytes")
            if not await self.receive():
                raise ScriptError(f"the client left after {bytes(self._unread)!r}")
        end = self._unread.index(b"\n") + 1
        line = bytes(self._unread[:end])
        del self._unread[:end]
        if not line.endswith(b"\r\n"):
            raise ScriptError(f"a line without CR: {line!r}")
        if b" " in line.strip():
            self.tag = line.split(maxsplit=1)[0]
        return line[:-2]

    async def read_hello(self) -> None:
        """Wait for the first TLS record.

        Raises:
            ScriptError: the client left, or said something in cleartext.

        """
        while not _FIRST_RECORD.match(self._unread):
            if len(self._unread) > len(b"\x16\x03\x01") or not await self.receive():
                raise ScriptError(f"expected TLS, got {bytes(self._unread)!r}")

    async def handshake(self, context: ssl.SSLContext) -> None:
        """Shake hands as the server, with what has been received so far as the beginning.

        Raises:
            ScriptError: the handshake failed, or the client left.

        """
        self._tls = ServerTLS(context)
        early = bytes(self._unread)
        self._unread.clear()
        if early:
            await self._take(early)
        while not self._tls.is_established:
            if not await self.receive():
                raise ScriptError("the client left during the TLS handshake")
        self.transcript.client_certificate = self._tls.client_certificate

    async def receive(self) -> bool:
        """Take and record what has come; False when the client has left."""
        data = await self._read_socket()
        if data:
            await self._take(data)
        return bool(data) and not (self._tls and self._tls.is_closed)

    async def drain(self) -> None:
        """Record all that the client sends until it has left."""
        while data := await self._read_socket():
            try:
                await self._take(data)
            except ScriptError as exc:
                self.transcript.problem = self.transcript.problem or str(exc)
                self._tls = None  # what follows is no TLS that anybody could read
            except ConnectionError:
                continue  # an answer that TLS wanted to give, after our FIN

    async def close_notify(self) -> None:
        """Send the alert that ends TLS, if there is TLS."""
        if self._tls is not None:
            self._tls.close()
            await self.send_raw(self._tls.outgoing())

    def fin(self) -> None:
        """End our side; the client's can still be recorded."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:  # the client was faster
            return

    def reset(self) -> None:
        """End both sides with an RST, after recording what has arrived."""
        try:
            while data := self._socket.recv(CHUNK):
                self.transcript.raw += data
        except (BlockingIOError, ConnectionError):
            pass
        linger_0s = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0s)
        self._socket.close()

    async def _read_socket(self) -> bytes:
        try:
            data = await self._loop.sock_recv(self._socket, CHUNK)
        except ConnectionError:
            return b""
        self.transcript.raw += data
        return data

    async def _take(self, data: bytes) -> None:
        if self._tls is None:
            self._unread += data
            return
        try:
            plaintext = self._tls.receive(data)
        except ssl.SSLError as exc:
            place = "record" if self._tls.is_established else "handshake"
            raise ScriptError(f"TLS {place}: {exc}") from exc
        finally:
            await self.send_raw(self._tls.outgoing())  # of the handshake, or an alert
        self.transcript.has_close_notify = self._tls.is_closed
        self.transcript.plaintext += plaintext
        self._unread += plaintext
