"""Where lines and TLS records begin in the octets of one side. No I/O here."""

from __future__ import annotations

from typing import Final

# RFC 8446 section 5.1: type, version, length.
HEADER_BYTES: Final = 5
_HANDSHAKE: Final = 0x16


class StepFinder:
    """Counts octets, and keeps the offset at which each line or record begins.

    From the first TLS record on, which begins where a line could begin, there are records only.
    """

    def __init__(self) -> None:
        self.offset = 0  # octets seen
        self.starts: list[int] = []
        self.tls_at: int | None = None  # where the first record begins
        self._header = bytearray()
        self._left = 0  # octets of the record that are to come
        self._is_inside = False

    def feed(self, data: bytes) -> None:
        """Take the next octets."""
        index = 0
        while index < len(data):
            if not self._is_inside:
                self._begin(data[index], self.offset + index)
            index = (
                self._record(data, index) if self.tls_at is not None else self._line(data, index)
            )
        self.offset += len(data)

    def _begin(self, first: int, offset: int) -> None:
        self.starts.append(offset)
        self._is_inside = True
        self._header.clear()
        if first == _HANDSHAKE and self.tls_at is None:
            self.tls_at = offset

    def _line(self, data: bytes, index: int) -> int:
        end = data.find(b"\n", index) + 1
        self._is_inside = end == 0
        return end or len(data)

    def _record(self, data: bytes, index: int) -> int:
        missing = HEADER_BYTES - len(self._header)
        if missing:
            taken = data[index : index + missing]
            self._header += taken
            index += len(taken)
            if len(self._header) < HEADER_BYTES:
                return index
            self._left = int.from_bytes(self._header[3:])
        taken_bytes = min(self._left, len(data) - index)
        self._left -= taken_bytes
        self._is_inside = self._left > 0
        return index + taken_bytes
