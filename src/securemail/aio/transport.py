"""An asyncio transport that speaks cleartext first, if it must, and TLS from then on.

Below it is the loop's own TCP transport, so that asyncio and uvloop are served by one code; above
it any asyncio.Protocol: first the login dialogue's, then the client library's.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from securemail import limits
from securemail.aio.backlog import Backlog
from securemail.aio.bell import Bell
from securemail.aio.buffer import receive_buffer
from securemail.aio.fresh import fresh
from securemail.aio.ledger import Ledger
from securemail.aio.quickack import acknowledge_at_once
from securemail.aio.upper import Upper
from securemail.errors import ConnectError, LimitExceeded, SecureMailError, UsageError
from securemail.tls.engine import Engine

_NOBODY: Final = asyncio.BaseProtocol()  # in the place of one that was let go


class SecureTransport(asyncio.Transport, asyncio.BufferedProtocol):
    """Both ends in one: asyncio's protocol towards the socket, a transport towards the client.

    `start_tls()` before it is connected makes TLS implicit; later it switches a cleartext
    connection over. There is no way back. `error` is why it ended, if there was a reason.
    """

    def __init__(self, protocol: Upper) -> None:
        super().__init__()
        self.ledger: Final = Ledger()
        self._raw: asyncio.Transport | None = None
        self._protocol: asyncio.BaseProtocol = protocol
        self._upper: Upper | None = protocol
        self._engine: Engine | None = None
        self._backlog = Backlog()
        self.error: SecureMailError | None = None
        self._closed = Bell()
        self._has_heard = False  # a word inside TLS
        self._is_closing = self._is_raw_paused = self._is_upper_paused = False

    # --- towards the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the TCP transport; with implicit TLS the ClientHello leaves at once."""
        # uvloop's are no subclasses of asyncio.Transport, so there is nothing to check.
        self._raw = cast("asyncio.Transport", transport)
        if self._is_closing:
            self._raw.abort()
        else:
            self._begin_tls()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where the loop may put what it reads."""
        return receive_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take what the loop has read."""
        if self._is_closing:
            return
        self.ledger.received += nbytes
        data = receive_buffer()[:nbytes]
        if self._engine is None:
            self._deliver(bytes(data))
            return
        try:
            for plaintext in self._engine.receive(data):
                self._has_heard = True
                self._announce()
                self._deliver(plaintext)
            self._announce()
        except SecureMailError as exc:
            self._fail(exc)
            return
        self._flush()
        if self._upper is None and not self._has_heard:
            acknowledge_at_once(self.get_extra_info("socket"))
        self._check_reading()
        if self._engine.is_closed_by_peer:
            self._tell_eof()
            self._backlog.clear()  # nobody is left to read it
            self.close()

    def _check_reading(self) -> None:
        """End a connection whose server makes us answer, and does not read the answers."""
        limit = limits.UNREAD_BYTES
        if self._is_raw_paused and self._raw and self._raw.get_write_buffer_size() > limit:
            self._fail(LimitExceeded("the server does not read what it makes us say", limit=limit))

    def eof_received(self) -> bool:
        """Take note that the server sends no more; without a close alert that is a cut line."""
        if self._engine is None:
            self._tell_eof()
        elif not self._is_closing:
            try:
                self._engine.end_of_input()
            except SecureMailError as exc:
                self._fail(exc)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end on, as None or as one of our errors."""
        error = self.error
        if error is None and exc is not None and not self._is_closing:
            error = ConnectError(f"the connection was lost: {exc}", phase="read")
            error.__cause__ = exc
        self._is_closing = True
        self._backlog.clear()
        if self._engine is not None:
            self._engine.let_go()
        self._closed.set()
        self._let_go().connection_lost(error)
        self.ledger.end(error)

    def _let_go(self) -> asyncio.BaseProtocol:
        """Forget who is above, and return it: the two would keep each other for the collector."""
        above, self._protocol, self._upper = self._protocol, _NOBODY, None
        return above

    def pause_writing(self) -> None:
        """Keep what is to be sent in plaintext until the socket takes more."""
        self._is_raw_paused = True
        if not self._is_upper_paused:
            self._is_upper_paused = True
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._is_raw_paused = False
        self._pump()

    # --- TLS

    def start_tls(self, engine: Engine) -> None:
        """Hand every further byte to `engine`; the ClientHello leaves as soon as it can."""
        if self._engine is not None:
            raise UsageError("TLS was started already", field="start_tls")
        self._engine = engine
        self._begin_tls()

    def _begin_tls(self) -> None:
        # Not before there is a socket: the session that it offers would be lost with the dial.
        if self._engine is not None and self._raw is not None:
            self._engine.start()
            self._flush()

    def _announce(self) -> None:
        if self._upper is not None and self.is_encrypted:
            upper, self._upper = self._upper, None
            upper.tls_established()

    def _flush(self) -> None:
        if self._engine is not None and self._raw is not None:
            self._send(self._engine.outgoing())

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        if self._raw is not None and data:
            self.ledger.sent += len(data)
            self._raw.write(data)

    def _fail(self, error: SecureMailError) -> None:
        """End the connection; the alert, if there is one, still leaves."""
        # A copy: this one may be part of the verdict, and its frames hold the engine.
        self.error = self.error or fresh(error.with_traceback(None))
        self._flush()
        self.abort()

    # --- towards the client

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`; what the socket does not take yet is kept."""
        if self._is_closing or self._raw is None or not data:
            return
        if self._engine is None:
            self._send(data)
            return
        if not self._engine.is_established:
            raise UsageError("the TLS handshake is not over", field="write")
        self._backlog.add(data)
        self._pump()

    def _pump(self) -> None:
        """Encrypt as much as the socket takes: ciphertext of a large message is never all there."""
        engine = self._engine
        while self._backlog and not self._is_raw_paused and engine and self._raw:
            try:
                engine.write(self._backlog.take())
            except SecureMailError as exc:
                self._fail(exc)
                return
            self._send(engine.outgoing())
        if not self._backlog and not self._is_raw_paused:
            if self._is_upper_paused:
                self._is_upper_paused = False
                self._protocol.resume_writing()
            if self._is_closing:
                self._say_goodbye()

    def _deliver(self, data: bytes) -> None:
        if isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(data)

    def _tell_eof(self) -> None:
        if isinstance(self._protocol, asyncio.Protocol):
            self._protocol.eof_received()

    def close(self) -> None:
        """Send what is left, then the close alert, then close (RFC 8446 section 6.1)."""
        if self._is_closing:
            return
        self._is_closing = True
        if not self._backlog:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._flush()
        if self._raw is not None:
            self._raw.close()

    def abort(self) -> None:
        """Close at once; what was not sent is dropped."""
        self.ledger.is_aborted = self.ledger.is_aborted or not self._is_closing
        self._is_closing = True
        self._backlog.clear()
        if self._raw is not None:
            self._raw.abort()
        else:
            self._let_go()
            self.ledger.on_end = None

    async def wait_closed(self) -> None:
        """Return when the socket is closed, if there was one."""
        if self._raw is not None:
            await self._closed.wait()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that nobody is closing."""
        return self._raw is not None and not self._is_closing

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is up."""
        return self._engine is not None and self._engine.is_established

    def is_closing(self) -> bool:
        """Return whether the connection is closed or about to be."""
        # A failed write closes the socket a turn before anybody is told; a writer must not go on.
        return self._is_closing or (self._raw is not None and self._raw.is_closing())

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Deliver to `protocol` now; after the end there is nothing to deliver."""
        if not self._closed.is_set():
            self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return whom we deliver to."""
        return self._protocol

    def pause_reading(self) -> None:
        """Read no more; what has been read, at most 64 KiB, is still delivered."""
        if self._raw is not None and not self._raw.is_closing():
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self._raw is not None and not self._raw.is_closing():
            self._raw.resume_reading()

    def is_reading(self) -> bool:
        """Return whether the socket is being read."""
        return self._raw is not None and self._raw.is_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the TCP transport knows: peername, sockname, socket."""
        return default if self._raw is None else self._raw.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set at how many bytes of ciphertext the protocol is paused and resumed."""
        if self._raw is not None and not self._is_closing:
            self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the (low, high) marks."""
        return (0, 0) if self._raw is None else self._raw.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent."""
        return self._backlog.size + (self._raw.get_write_buffer_size() if self._raw else 0)

    def can_write_eof(self) -> bool:
        """Return False: no mail protocol half-closes."""
        return False
