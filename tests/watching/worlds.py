"""A mailbox on the embedded server, and somebody who watches it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Self, TypeVar

from securemail import Account, Password, Service, TLSMode, TrustStore
from securemail.reconnect import Backoff
from securemail.testing import MailServer
from securemail.watching import Rhythm, Watch, WatchEvent, watch

ADDRESS: Final = "127.0.0.1"
# Nothing here takes a second; a watch that hears nothing waits for the next renewal of its IDLE.
LIMIT_S: Final = 60
SOON: Final = Rhythm(poll=0.01, backoff=Backoff(base=0.001, ceiling=0.01))

EventT = TypeVar("EventT")


def account(server: MailServer, **fields: Any) -> Account:
    fields.setdefault("credentials", Password("alice", "secret"))
    fields.setdefault("imap", server.endpoint(TLSMode.IMPLICIT))
    return Account("alice@example.org", trust=TrustStore.from_pem(server.ca.pem), **fields)


def pop3_account(server: MailServer, **fields: Any) -> Account:
    where = server.endpoint(TLSMode.IMPLICIT, service=Service.POP3)
    return account(server, imap=None, pop3=where, **fields)


@asynccontextmanager
async def watching(mine: Account, **options: Any) -> AsyncIterator[Watch]:
    options.setdefault("rhythm", SOON)
    async with watch(mine, **options) as events:
        yield events


async def until(events: Watch, kind: type[EventT], *, limit_s: float = LIMIT_S) -> EventT:
    """Return the next event of that kind; what comes before it is passed over."""
    async with asyncio.timeout(limit_s):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the watch ended without {kind.__name__}")


async def all_until(events: Watch, kind: type[WatchEvent]) -> list[WatchEvent]:
    """Return the events up to the next one of that kind."""
    seen: list[WatchEvent] = []
    async with asyncio.timeout(LIMIT_S):
        async for event in events:
            seen.append(event)
            if isinstance(event, kind):
                return seen
    raise AssertionError(f"the watch ended without {kind.__name__}")


async def turns_until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; there is no event that would tell."""
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came about")


class Relay:
    """Where clients connect to, while what stands behind it changes or goes away.

    `port` is None where nobody is behind it. With `is_cut` nothing passes any more, and nobody is
    told.
    """

    def __init__(self, port: int | None, *, at: tuple[str, int] = (ADDRESS, 0)) -> None:
        self.port = port
        self._at = at
        self.is_cut = False
        self.accepted = 0
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, *self._at)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.drop()
        await asyncio.gather(*self._tasks)

    @property
    def endpoint_port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def drop(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one
        self._writers.add(writer)
        if self.port is not None:
            inner_reader, inner = await asyncio.open_connection(ADDRESS, self.port)
            self._writers.add(inner)
            await asyncio.gather(self._pass(reader, inner), self._pass(inner_reader, writer))
            await self._end(inner)
        await self._end(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.is_cut:
                    writer.write(data)
        writer.transport.abort()

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
