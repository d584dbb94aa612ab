"""Plaintext that waits until the socket takes more."""

from __future__ import annotations

from collections import deque
from typing import Final

_PIECE_BYTES: Final = 64 * 1024


class Backlog:
    """Pieces in order, given out again in pieces that are not too large to be encrypted at once."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        # Made when something waits: at rest nothing does, and an empty one takes 760 bytes.
        self._pieces: deque[memoryview] | None = None

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return sum(map(len, self._pieces or ()))

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a copy of `data`."""
        if self._pieces is None:
            self._pieces = deque()
        self._pieces.append(memoryview(bytes(data)))

    def take(self) -> memoryview:
        """Return what comes next, at most 64 KiB. Raises: IndexError when nothing waits."""
        if not self._pieces:
            raise IndexError("nothing waits")
        piece = self._pieces.popleft()
        if len(piece) > _PIECE_BYTES:
            self._pieces.appendleft(piece[_PIECE_BYTES:])
        elif not self._pieces:
            self._pieces = None
        return piece[:_PIECE_BYTES]

    def clear(self) -> None:
        """Forget all of it."""
        self._pieces = None
