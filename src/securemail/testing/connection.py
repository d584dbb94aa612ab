"""One accepted connection: lines and octets in, octets out, inside TLS from a given moment on.

Not asyncio's StreamReader: its upgrade keeps cleartext in the buffer, and what an attacker put
behind STARTTLS would be read as if it had come inside TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from typing import Final, cast

from securemail.testing.tls import ServerTLS

# Reading stops while so much waits for a session that is busy.
HIGH_WATER_BYTES: Final = 256 * 1024


class LineError(Exception):
    """The client sent what is no line: without end, or ended by a bare LF."""


class Connection(asyncio.Protocol):
    """A connection in the hands of one session. With a context, TLS begins at once."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.tls = ServerTLS(context) if context else None
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._has_left = False
        self._lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def buffered(self) -> int:
        """Octets that have arrived and have not been read."""
        return len(self._buffer)

    async def readline(self, max_bytes: int) -> bytes:
        """Return one line with its CRLF.

        Raises:
            ConnectionResetError: the client has left.
            LineError: more than `max_bytes`, or an LF without CR.

        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > max_bytes:
                break
            await self._wait()
        if end < 0 or end >= max_bytes:
            raise LineError(f"a line of more than {max_bytes} bytes")
        line = await self.readexactly(end + 1)
        if not line.endswith(b"\r\n"):
            raise LineError("a line that ends with LF only")
        return line

    async def readexactly(self, size: int) -> bytes:
        """Return `size` octets.

        Raises:
            ConnectionResetError: the client has left.

        """
        while len(self._buffer) < size:
            await self._wait()
        data = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return data

    async def read_dotted(self, max_bytes: int) -> bytes:
        """Return what comes before a line with nothing but a dot, added dots taken out.

        Raises:
            ConnectionResetError: the client has left.
            LineError: more than `max_bytes`.

        """
        # The first line may be the dot already: as if a line had ended before it.
        self._buffer[:0] = b"\r\n"
        searched = 0
        while (end := self._buffer.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(self._buffer) - 4)
            if searched > max_bytes:
                raise LineError(f"more than {max_bytes} bytes")
            await self._wait()
        text = await self.readexactly(end + len(b"\r\n.\r\n"))
        return text[: -len(b".\r\n")].replace(b"\r\n.", b"\r\n")[len(b"\r\n") :]

    def write(self, data: bytes) -> None:
        """Send; nothing happens when the client has gone. Await `drain()` after much."""
        if self._transport is None or self._transport.is_closing():
            return
        if self.tls is None:
            self._transport.write(data)
            return
        try:
            self.tls.encrypt(data)
        except ssl.SSLError:  # TLS has failed; the session learns it when it reads
            return
        self._flush()

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written.

        Raises:
            ConnectionResetError: the connection is lost.

        """
        await self._writable.wait()
        if self._lost.is_set():
            raise ConnectionResetError("the client has left")

    def start_tls(self, context: ssl.SSLContext) -> None:
        """From now on every octet is TLS. Await `handshake()` next.

        Raises:
            RuntimeError: cleartext is waiting; it must never be read as if it came inside TLS.

        """
        if self._buffer or self.tls is not None:
            raise RuntimeError(f"TLS with {len(self._buffer)} bytes of cleartext unread")
        self.tls = ServerTLS(context)

    async def handshake(self) -> None:
        """Wait until TLS is up, if there is TLS.

        Raises:
            ConnectionResetError: the client has left, or the handshake failed.

        """
        while self.tls is not None and not self.tls.is_established:
            await self._wait()

    def close(self) -> None:
        """End the connection properly, after what has been written."""
        if self._transport is None or self._transport.is_closing():
            return
        if self.tls is not None:
            self.tls.close()
            self._flush()
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """End the connection at once, with an RST."""
        if self._transport is not None and not self._transport.is_closing():
            linger_0s = struct.pack("ii", 1, 0)
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0s)
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the socket is closed."""
        await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport from asyncio."""
        # A stream on every loop; uvloop's is no subclass of asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take octets from asyncio."""
        if self.tls is None:
            self._buffer += data
        else:
            self._decrypt(self.tls, data)
        if self._transport and len(self._buffer) > HIGH_WATER_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note that the client will send no more."""
        self._has_left = True
        self._wake()
        return True  # the session closes: it may still have an answer to give

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Note that the connection is gone; the socket is closed next."""
        self._has_left = True
        self._lost.set()
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._writable.set()

    def _decrypt(self, tls: ServerTLS, data: bytes) -> None:
        try:
            self._buffer += tls.receive(data)
            self._has_left = self._has_left or tls.is_closed
        except ssl.SSLError:
            self._has_left = True
        self._flush()  # the handshake's answer, or the alert
        if self._has_left and not tls.is_established and self._transport:
            self._transport.close()

    def _flush(self) -> None:
        if self.tls is None or self._transport is None:
            return
        if (data := self.tls.outgoing()) and not self._transport.is_closing():
            self._transport.write(data)

    async def _wait(self) -> None:
        if self._has_left or self._transport is None:
            raise ConnectionResetError("the client has left")
        self._transport.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
