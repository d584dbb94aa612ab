# SPDX-License-Identifier: GPL-3.0-only
"""A line in memory, and clients at its end: ours, and aioimaplib's own to compare with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from typing import Any

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed

from securemail.transports.imap import IMAPClient, hand_over

CAPABILITIES = frozenset(
    {"IMAP4REV1", "IDLE", "MOVE", "UIDPLUS", "ENABLE", "NAMESPACE", "QUOTA", "ID"}
)


class MemoryTransport(asyncio.Transport):
    """Keeps what is written, and does nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.protocol: asyncio.BaseProtocol | None = None
        self.is_aborted = False
        self.is_closed = False
        self.is_paused = False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = bytes(self.written)
        self.written.clear()
        return taken


class Line:
    """Our client, logged in, and the server's end of its line. Tags are A0, A1, ..."""

    def __init__(
        self, *, early: bytes = b"", timeout_s: float = 5, state: str = "SELECTED"
    ) -> None:
        self.transport = MemoryTransport()
        self.client: IMAPClient = hand_over(
            self.transport,
            host="imap.example.org",
            port=993,
            capabilities=CAPABILITIES,
            early=early,
            timeout_s=timeout_s,
        )
        self.protocol = self.client.protocol
        self.protocol.tagpre = "A"
        if not early:
            self.protocol.state = state

    def receive(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def drop(self, error: Exception | None = None) -> None:
        self.protocol.connection_lost(error)


class UpstreamClient(aioimaplib.IMAP4):  # type: ignore[misc]  # the base is untyped
    """aioimaplib's own client and protocol, on a connection in memory."""

    def create_client(self, *args: Any, **kwargs: Any) -> None:
        self.protocol = aioimaplib.IMAP4ClientProtocol(asyncio.get_running_loop())
        self.protocol.connection_made(MemoryTransport())
        self.protocol.state = "SELECTED"
        self.protocol.capabilities = set(CAPABILITIES)
        self.protocol.tagpre = "A"


async def settle() -> None:
    """Let everything run that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def begun(work: Awaitable[Any]) -> asyncio.Future[Any]:
    task = asyncio.ensure_future(work)
    await settle()
    return task


async def idling(line: Line, *, seconds: float = 100) -> asyncio.Future[Any]:
    start = await begun(line.client.idle_start(seconds))
    line.receive(b"+ idling\r\n")
    return await start  # type: ignore[no-any-return]  # the future that idle_start promises


def cut(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Cut `data` into chunks of these sizes, the rest in one piece."""
    at = 0
    for size in sizes:
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size
    if at < len(data):
        yield data[at:]
