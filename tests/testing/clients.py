"""Raw clients of the test servers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from securemail.testing.scripted import ScriptedServer
from securemail.testing.server import MailServer

HOST: Final = "mail.example.org"


class Client:
    """A raw client: what one `recv` call returns is what one segment held."""

    def __init__(self, server: ScriptedServer) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.server = server

    async def connect(self) -> None:
        await self.loop.sock_connect(self.sock, (self.server.address, self.server.port))

    async def recv(self) -> bytes:
        return await self.loop.sock_recv(self.sock, 65536)

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.sock, data)

    async def leave(self) -> None:
        self.sock.close()
        await self.server.finished.wait()


Connect = Callable[[ScriptedServer], Awaitable[Client]]


class RawIMAP:
    """An IMAP client that shows every line of every answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def line(self) -> bytes:
        return await self.reader.readline()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def ask(self, command: bytes) -> list[bytes]:
        """Send a command with the tag x; return the lines up to its end or a continuation."""
        self.send(b"x " + command + b"\r\n")
        return await self.answer()

    async def answer(self) -> list[bytes]:
        lines = [await self.line()]
        while lines[-1] and not lines[-1].startswith((b"x ", b"+ ")):
            lines.append(await self.line())
        return [line.removesuffix(b"\r\n") for line in lines]

    async def aclose(self) -> None:
        self.writer.close()
        # How the connection ended is the matter of other tests.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@contextlib.asynccontextmanager
async def raw_imap(server: MailServer, trusting: ssl.SSLContext | None) -> AsyncIterator[RawIMAP]:
    """Connect: with implicit TLS, or to the STARTTLS port and stay in cleartext."""
    if trusting is None:
        port = server.port("imap", "starttls")
        streams = await asyncio.open_connection(server.address, port)
    else:
        streams = await asyncio.open_connection(
            server.address, server.port(), ssl=trusting, server_hostname=server.host_name
        )
    client = RawIMAP(*streams)
    try:
        await client.line()
        yield client
    finally:
        await client.aclose()


@contextlib.asynccontextmanager
async def raw_alice(server: MailServer, trusting: ssl.SSLContext) -> AsyncIterator[RawIMAP]:
    """Log in and select the INBOX."""
    async with raw_imap(server, trusting) as client:
        await client.ask(b"LOGIN alice secret")
        await client.ask(b"SELECT INBOX")
        yield client
