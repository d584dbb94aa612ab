"""Messages that are stored together. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from securemail.cli.fetch.journal import Journal

# Each message with the key that its mailbox has for it.
Batch = Sequence[tuple[str, bytes]]


class Store(Protocol):
    """Where messages go: all of a batch, once, whenever the program is killed."""

    @property
    def journal(self) -> Journal:
        """What is stored already."""

    def store(self, batch: Batch) -> None:
        """Store these messages. Raises: OSError, LocalError."""

    def close(self) -> None:
        """Let others fetch."""
