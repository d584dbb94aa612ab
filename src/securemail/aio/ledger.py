"""What went over one connection, and whom to tell of its end."""

from __future__ import annotations

from collections.abc import Callable

from securemail.errors import SecureMailError


class Ledger:
    """Bytes on the wire, TLS included; `on_end` is called once, with why the connection ended."""

    __slots__ = ("is_aborted", "on_end", "received", "sent")

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.is_aborted = False
        self.on_end: Callable[[SecureMailError | None], None] | None = None

    def end(self, error: SecureMailError | None) -> None:
        """Pass the end on."""
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(error)
