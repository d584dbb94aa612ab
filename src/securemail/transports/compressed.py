# SPDX-License-Identifier: Apache-2.0
"""IMAP's compressed layer (RFC 4978): a bounded amount of work in each turn of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from securemail.errors import SecureMailError
from securemail.wire.deflate import PIECE_BYTES, Deflater, Inflater

# Pieces that are inflated, and read, before everybody else has a turn: 5 ms of a long answer.
_PIECES: Final = 8


class CompressedLine:
    """What is said on `transport`, deflated, and what comes from it, inflated.

    `deliver` gets what the server said; `fail` why it cannot be inflated, and must close the
    transport. While there is more than one turn's work, the transport is not read.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        deliver: Callable[[bytes], None],
        fail: Callable[[SecureMailError], None],
    ) -> None:
        self._transport = transport
        self._deliver = deliver
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._inflater = Inflater()
        self._deflater = Deflater()
        self._incoming: deque[Iterator[bytes]] = deque()
        self._outgoing: deque[memoryview] = deque()
        self._is_paused = False
        self._is_scheduled = False

    def receive(self, data: bytes) -> None:
        """Take what the server sent."""
        self._incoming.append(self._inflater.feed(data))
        if not self._is_scheduled:
            self._take_some()

    def _take_some(self) -> None:
        self._is_scheduled = False
        try:
            for _ in range(_PIECES):
                if (piece := self._next_piece()) is None:
                    self._read_on()
                    return
                self._deliver(piece)
        except SecureMailError as error:
            self.close()
            self._fail(error)
            return
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()
        self._is_scheduled = True
        self._loop.call_soon(self._take_some)

    def _next_piece(self) -> bytes | None:
        while self._incoming:
            if (piece := next(self._incoming[0], None)) is not None:
                return piece
            self._incoming.popleft()
        return None

    def _read_on(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._transport.resume_reading()
        self._is_paused = False

    def write(self, data: bytes) -> None:
        """Send `data`; a long message takes several turns."""
        is_first = not self._outgoing
        view = memoryview(data)
        self._outgoing.extend(
            view[at : at + PIECE_BYTES] for at in range(0, len(view), PIECE_BYTES)
        )
        if is_first:
            self._send_one()

    def _send_one(self) -> None:
        if not self._outgoing:
            return
        self._transport.write(self._deflater.deflate(self._outgoing[0]))
        self._outgoing.popleft()
        if self._outgoing:
            self._loop.call_soon(self._send_one)

    @property
    def waiting_bytes(self) -> int:
        """How much is not deflated yet."""
        return sum(map(len, self._outgoing))

    def close(self) -> None:
        """Forget what is left, in both directions."""
        self._incoming.clear()
        self._outgoing.clear()
