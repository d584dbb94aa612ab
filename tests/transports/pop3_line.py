# SPDX-License-Identifier: Apache-2.0
"""A line in memory with our POP3 client at its end."""

from __future__ import annotations

from securemail.transports.pop3 import POP3Client, hand_over
from tests.transports.imap_line import MemoryTransport

PEER = "pop.example.org:995"
CAPABILITIES = frozenset({"TOP", "UIDL", "PIPELINING", "LANG"})


class PausingTransport(MemoryTransport):
    """Also says whether it is being read."""

    def __init__(self) -> None:
        super().__init__()
        self.is_paused = False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Line:
    """Our client, logged in, and the server's end of its line."""

    def __init__(
        self, *, capabilities: frozenset[str] = CAPABILITIES, timeout_s: float = 5
    ) -> None:
        self.transport = PausingTransport()
        self.client: POP3Client = hand_over(
            self.transport, peer=PEER, capabilities=capabilities, early=b"", timeout_s=timeout_s
        )
        self.pipeline = self.client._pipeline

    def receive(self, data: bytes) -> None:
        self.pipeline.data_received(data)

    def drop(self, error: Exception | None = None) -> None:
        self.pipeline.connection_lost(error)
