"""Bytes deflated and inflated, within bounds (RFC 1951, RFC 4978). No I/O here."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from securemail import limits
from securemail.errors import LimitExceeded, ProtocolError

# What is inflated, or deflated, at once: 2 ms of work.
PIECE_BYTES: Final = 64 * 1024

# Without the header and the checksum of zlib's own format. Any server's window fits into 32 KiB.
_RAW_INFLATE: Final = -zlib.MAX_WBITS

# Commands are short: zlib takes 32 KiB for these, and 256 KiB for its defaults.
_RAW_DEFLATE: Final = -12
_MEMORY_LEVEL: Final = 5


class Deflater:
    """What we say, deflated; each piece can be inflated without waiting for the next."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.compressobj(
            method=zlib.DEFLATED, wbits=_RAW_DEFLATE, memLevel=_MEMORY_LEVEL
        )

    def deflate(self, data: bytes | memoryview) -> bytes:
        """Return `data` deflated, all of it (a flush to an octet, RFC 4978 section 4)."""
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class Inflater:
    """What a server says, inflated in pieces; what it may inflate to is bounded.

    Ordinary mail inflates to 2 to 10 times its size, zeros to 1,032 times. A server has a credit of
    `limits.INFLATED_CREDIT_BYTES`; beyond, it must have sent 1 octet for `INFLATED_RATIO`.
    """

    __slots__ = ("_received", "_stream", "_yielded")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_RAW_INFLATE)
        self._received = 0
        self._yielded = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` inflates to. Take all of it before feeding more.

        Raises: LimitExceeded; ProtocolError for what is not deflated, and for a stream that ends.
        """
        self._received += len(data)
        while True:
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as exc:
                raise ProtocolError("the server sent what cannot be inflated") from exc
            data = self._stream.unconsumed_tail
            self._count(piece)
            if piece:
                yield piece
            if self._stream.eof:
                raise ProtocolError("the server ended the compressed stream")
            # A full piece may have a rest inside zlib, with nothing left to feed it.
            if not data and len(piece) < PIECE_BYTES:
                return

    def _count(self, piece: bytes) -> None:
        self._yielded += len(piece)
        limit = limits.INFLATED_CREDIT_BYTES + limits.INFLATED_RATIO * self._received
        if self._yielded > limit:
            raise LimitExceeded(
                f"{self._received} bytes inflate to {self._yielded} and more", limit=limit
            )
