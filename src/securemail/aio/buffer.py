"""One receive buffer for each event loop: its bytes are used up before the next read."""

from __future__ import annotations

import threading
from typing import Final

_RECEIVE_BYTES: Final = 64 * 1024


class _Shared(threading.local):
    """A thread runs one loop at a time."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(_RECEIVE_BYTES))


_shared: Final = _Shared()


def receive_buffer() -> memoryview:
    """Return the buffer of this thread's loop; what is in it does not outlive the callback."""
    return _shared.buffer
