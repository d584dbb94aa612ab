"""A line to a server on which the client can be left without the last answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Passes octets on, and the server's no more once the client has sent `mute_after` of them."""

    server: tuple[str, int]
    port: int = 0
    mute_after: int | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    serving: set[asyncio.Task[object]] = field(default_factory=set)

    def cut(self) -> None:
        """End all lines, and let the next ones be whole."""
        self.mute_after = None
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        far_reader, far_writer = await asyncio.open_connection(*self.server)
        self.writers += [writer, far_writer]
        sent = 0

        async def pump(come: asyncio.StreamReader, go: asyncio.StreamWriter) -> None:
            nonlocal sent
            with contextlib.suppress(OSError):
                while octets := await come.read(65536):
                    is_mute = self.mute_after is not None and sent > self.mute_after
                    sent += len(octets) if come is reader else 0
                    if come is reader or not is_mute:
                        go.write(octets)
            go.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


@contextlib.asynccontextmanager
async def relay(server: tuple[str, int]) -> AsyncIterator[Relay]:
    """Run a relay to `server`."""
    made = Relay(server)
    async with await asyncio.start_server(made.serve, server[0], 0) as listening:
        made.port = listening.sockets[0].getsockname()[1]
        try:
            yield made
        finally:
            made.cut()
            await asyncio.gather(*made.serving, return_exceptions=True)
