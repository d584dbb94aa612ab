# SPDX-License-Identifier: Apache-2.0
"""The same over a socket, with asyncio's own transport and a server that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from securemail.errors import ConnectError
from securemail.transports.imap import IMAPClient, hand_over

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def connected(serve: Serve) -> AsyncIterator[IMAPClient]:
    served: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())  # type: ignore[arg-type]  # streams make it a task
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
    try:
        yield hand_over(
            transport,
            host="127.0.0.1",
            port=port,
            capabilities=frozenset({"IMAP4REV1", "IDLE"}),
            early=b"",
            timeout_s=20,
        )
    finally:
        transport.abort()
        await asyncio.wait(served)
        server.close()
        await server.wait_closed()


async def test_a_session_from_select_to_logout() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer(said: bytes) -> None:
            tag = (await reader.readline()).split()[0]
            writer.write(said.replace(b"TAG", tag))

        await answer(b"* 2 EXISTS\r\nTAG OK [READ-WRITE] done\r\n")
        await answer(b"* 1 FETCH (BODY[] {3000000}\r\n" + bytes(3000000) + b")\r\nTAG OK done\r\n")
        await answer(b"+ go\r\n")
        await reader.readexactly(5000000 + 2)
        writer.write(tag + b" OK stored\r\n")
        await answer(b"* BYE\r\nTAG OK done\r\n")

    tag = b""
    async with connected(serve) as client:
        tag = f"{client.protocol.tagpre}2".encode()
        assert (await client.select()).lines == [b"2 EXISTS", b"[READ-WRITE] done"]
        assert len((await client.fetch("1", "BODY[]")).lines[1]) == 3000000
        assert (await client.append(bytes(5000000))).lines == [b"stored"]
        assert (await client.logout()).result == "OK"


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_server_that_goes_away_ends_the_idle(is_reset: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"+ idling\r\n* BYE shutting down\r\n")
        await reader.readline()
        if is_reset:
            writer.transport.abort()

    async with connected(serve) as client:
        client.protocol.state = "SELECTED"
        idle = await client.idle_start()
        assert await client.wait_server_push() == [b"BYE shutting down"]
        wait = asyncio.ensure_future(client.wait_server_push())
        client.idle_done()
        for waiter in (idle, wait):
            with pytest.raises(ConnectError, match="shutting down"):
                await waiter
