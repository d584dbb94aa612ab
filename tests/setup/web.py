"""A web server with TLS on loopback: fixed answers, and a record of what was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tests.setup.dns import LOOPBACK

Replies = Mapping[str, bytes]


def reply(body: bytes, kind: str = "text/xml", status: int = 200, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    lines += [f"Content-Type: {kind}"] if kind else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def moved(location: str) -> bytes:
    return reply(b"", "", 302, f"Location: {location}")


@dataclass
class Web:
    """Answers each path with its reply, and everything else with 404.

    `requests` are the heads of what was asked; `accepted` counts connections.
    """

    context: ssl.SSLContext
    replies: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    accepted: int = 0

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=self.context)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            path = head.split(" ")[1]
            writer.write(self.replies.get(path, reply(b"", "", 404)))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
