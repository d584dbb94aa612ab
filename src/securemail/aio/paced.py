"""What happens on a connection, in its order, and in a turn no more than there is time for."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from securemail.aio.buffer import receive_buffer
from securemail.aio.transport import SecureTransport
from securemail.aio.turns import turns

# What would be more than this is dealt with at once: a server must not fill memory with it.
_WAITING_BYTES: Final = 4096


class Paced(asyncio.BufferedProtocol):
    """Stands between the loop's TCP transport and ours, and lets what comes through TLS wait.

    Before TLS is up nothing waits: a byte that was injected behind STARTTLS is seen when it comes.
    Whatever follows something that waits, waits behind it.
    """

    __slots__ = ("_data", "_has_eof", "_lost", "_raw", "_transport", "_turns")

    def __init__(self, transport: SecureTransport) -> None:
        self._transport: Final = transport
        self._turns: Final = turns()
        self._raw: asyncio.BaseTransport | None = None
        self._data = b""
        self._has_eof = False
        self._lost: tuple[Exception | None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass it on."""
        self._raw = transport
        self._transport.connection_made(transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where the loop may put what it reads."""
        return receive_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what the loop has read, or keep it for the next turn."""
        if not self._must_wait:
            self._read(nbytes)
            return
        self._wait()
        self._data += receive_buffer()[:nbytes]
        if len(self._data) > _WAITING_BYTES:
            self._read_waiting()

    def eof_received(self) -> bool:
        """Pass on that the server sends no more, behind what it has sent."""
        if not self._must_wait:
            return self._transport.eof_received()
        self._wait()
        self._has_eof = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on the end, behind everything else."""
        if not self._must_wait:
            self._lose(exc)
            return
        self._wait()
        self._lost = (exc,)

    def pause_writing(self) -> None:
        """Pass it on."""
        self._transport.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._transport.resume_writing()

    @property
    def _is_waiting(self) -> bool:
        return bool(self._data) or self._has_eof or self._lost is not None

    @property
    def _must_wait(self) -> bool:
        return self._is_waiting or (self._turns.is_over and self._transport.is_encrypted)

    def _wait(self) -> None:
        if not self._is_waiting:
            self._turns.later(self._go_on)

    def _go_on(self) -> None:
        try:
            self._read_waiting()
            if self._has_eof:
                self._has_eof = False
                if not self._transport.eof_received() and self._raw is not None:
                    self._raw.close()
            if self._lost is not None:
                (reason,), self._lost = self._lost, None
                self._lose(reason)
        except BaseException:
            # As the loop does with a protocol that raises. What else waits is passed on.
            self._transport.abort()
            if self._is_waiting:
                self._turns.later(self._go_on)
            raise

    def _read_waiting(self) -> None:
        data, self._data = self._data, b""
        room = receive_buffer()
        for start in range(0, len(data), len(room)):
            piece = data[start : start + len(room)]
            room[: len(piece)] = piece
            self._read(len(piece))

    def _read(self, nbytes: int) -> None:
        since_s = time.perf_counter()
        self._transport.buffer_updated(nbytes)
        self._turns.did(since_s)

    def _lose(self, exc: Exception | None) -> None:
        since_s = time.perf_counter()
        self._transport.connection_lost(exc)
        self._turns.did(since_s)
