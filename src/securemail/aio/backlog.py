"""Plaintext that waits until the socket takes more."""

from __future__ import annotations

from collections import deque
from typing import Final

_PIECE_BYTES: Final = 64 * 1024


class Backlog:
    """Pieces in order, given out again in pieces that are not too large to be encrypted at once."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: deque[memoryview] = deque()

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return sum(map(len, self._pieces))

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a copy of `data`."""
        self._pieces.append(memoryview(bytes(data)))

    def take(self) -> memoryview:
        """Return what comes next, 64 KiB of it at most."""
        piece = self._pieces.popleft()
        if len(piece) > _PIECE_BYTES:
            self._pieces.appendleft(piece[_PIECE_BYTES:])
        return piece[:_PIECE_BYTES]

    def clear(self) -> None:
        """Forget all of it."""
        self._pieces.clear()
