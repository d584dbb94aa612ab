"""A name server on loopback for one test: it answers from a function, over UDP and TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message

from securemail.discovery.dnssec import Question
from tests.discovery.worlds import answers

# Bytes to send back, or None: silence.
Answerer = Callable[[dns.message.Message], Awaitable[bytes | None]]


async def honest(query: dns.message.Message) -> bytes | None:
    """Answer from the signed world in memory."""
    asked = query.question[0]
    response = answers(Question(asked.name, asked.rdtype))
    response.id = query.id
    return response.to_wire(max_size=65535)


async def silent(_query: dns.message.Message) -> bytes | None:
    return None


@dataclass(slots=True)
class NameServer:
    """What was asked, and over what."""

    answer: Answerer
    port: int = 0
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    queries: list[tuple[str, dns.message.Message]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def asked(self) -> list[str]:
        return [query.question[0].to_text() for _, query in self.queries]

    def start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reply(self, data: bytes, kind: str) -> bytes | None:
        query = dns.message.from_wire(data)
        self.queries.append((kind, query))
        self.is_asked.set()
        return await self.answer(query)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                reply = await self.reply(await reader.readexactly(length), "tcp")
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
        except (OSError, EOFError):
            pass
        finally:
            writer.transport.abort()

    async def stop(self) -> None:
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.start(self._answer(data, addr))

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = await self._server.reply(data, "udp")
        if reply is not None and self.transport is not None:
            if len(reply) > 1232:
                short = dns.message.from_wire(data)
                short.flags |= dns.flags.QR | dns.flags.TC
                reply = short.to_wire()
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def nameserver(answer: Answerer = honest) -> AsyncIterator[NameServer]:
    """Run a name server."""
    server = NameServer(answer)
    loop = asyncio.get_running_loop()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(server), local_addr=server.address
    )
    try:
        yield server
    finally:
        transport.abort()
        listener.close()
        await server.stop()
        await asyncio.sleep(0)
