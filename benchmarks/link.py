"""A line with a delay, which knows how many flights went over it.

A flight is what one side sends without having to wait for the other: the next one begins where the
direction changes. The delay is what makes the count exact: what a client sends without waiting is
on its way before an answer can be back. The TCP handshake is one more, and is counted as such.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final, Self

# The alert as a record of TLS 1.3. curl sends nothing else of that length.
CLOSE_NOTIFY_BYTES: Final = 24


@dataclass(slots=True)
class Log:
    """What one connection's client has sent and been given, as the client sees it."""

    began_s: float
    flights: list[tuple[str, int]] = field(default_factory=list)
    delivered_s: float = 0.0

    def add(self, direction: str, size: int) -> None:
        """Note bytes, `>` from the client and `<` to it."""
        if self.flights and self.flights[-1][0] == direction:
            size += self.flights.pop()[1]
        self.flights.append((direction, size))
        if direction == "<":
            self.delivered_s = time.perf_counter()

    @property
    def round_trips(self) -> int:
        """How many times the client has waited for the server, for the TCP handshake included."""
        return 1 + sum(direction == "<" for direction, _ in self.flights)

    def without_farewell(self) -> Log:
        """Return what was before the client ended TLS: whether an answer is behind it is chance."""
        before = takewhile(lambda flight: flight != (">", CLOSE_NOTIFY_BYTES), self.flights)
        return replace(self, flights=list(before))


class _End(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self, link: Link, log: Log, direction: str) -> None:
        self._link, self._log, self._direction = link, log, direction
        self._early: list[bytes | None] = []
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        sock = self.transport.get_extra_info("socket") if self.transport else None
        if sock is not None and hasattr(socket, "TCP_QUICKACK"):
            # Else the server's Nagle would wait for this end, which is not the client's.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if self._direction == ">":
            self._log.add(">", len(data))
        self._pass_on(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._pass_on(None)

    def _pass_on(self, data: bytes | None) -> None:
        asyncio.get_running_loop().call_later(self._link.delay_s, self._deliver, data)

    def _deliver(self, data: bytes | None) -> None:
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        elif data is None:
            self.other.transport.close()
        else:
            if self._direction == "<":
                self._log.add("<", len(data))
            self.other.transport.write(data)

    def joined(self, other: _End) -> None:
        """Pass on what has come before there was another end."""
        self.other = other
        while self._early:
            self._deliver(self._early.pop(0))


class Link:
    """Listens on a port of its own, and passes all on to `target`, each way `delay_s` later."""

    def __init__(self, target: tuple[str, int], delay_s: float) -> None:
        self.target, self.delay_s = target, delay_s
        self.logs: list[Log] = []
        self.address, self.port = "127.0.0.1", 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: list[_End] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self.address, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in self._ends:
            if end.transport is not None:
                end.transport.abort()
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn

    def _accept(self) -> asyncio.Protocol:
        log = Log(time.perf_counter())
        self.logs.append(log)
        client, server = _End(self, log, ">"), _End(self, log, "<")
        self._ends += client, server
        task = asyncio.get_running_loop().create_task(self._join(client, server))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return client

    async def _join(self, client: _End, server: _End) -> None:
        # The server hears of the connection when our last word of the handshake is there.
        await asyncio.sleep(self.delay_s)
        await asyncio.get_running_loop().create_connection(lambda: server, *self.target)
        client.joined(server)
        server.joined(client)


class LinkThread:
    """A link with an event loop of its own, for whoever waits for other processes meanwhile."""

    def __init__(self, target: tuple[str, int], delay_s: float) -> None:
        self.link = Link(target, delay_s)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Link:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.link.__aenter__(), self._loop).result()
        return self.link

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.link.__aexit__(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
