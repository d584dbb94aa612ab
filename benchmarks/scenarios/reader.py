"""How long a client takes to read one large answer: ours beside imaplib and aioimaplib.

A server on loopback gives the same prepared bytes to each, without TLS, so that only the readers
differ. aioimaplib recurses over the answer: its limit is raised for it, and it is
left out where it would take minutes.
"""

from __future__ import annotations

import asyncio
import imaplib
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
from benchmarks.harness import OURS, Row, ratios, row
from benchmarks.world import World

from securemail.transports.imap import hand_over

NAME = "reading a large answer"
BASE = "imaplib"
ROUNDS = {False: 3, True: 9}
UPSTREAM_MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What FETCH 1:* gets."""

    name: str
    data: bytes
    lines: int


def answers() -> list[Answer]:
    """Return the answers that are read."""
    flags = [b"* %d FETCH (FLAGS (\\Seen))\r\n" % number for number in range(1, 10_001)]
    literal = b"x" * 2000
    bodies = [b"* %d FETCH (BODY[] {2000}\r\n%b)\r\n" % (n, literal) for n in range(1, 2001)]
    large = b"x" * 50_000_000
    return [
        Answer("500 FLAGS", b"".join(flags[:500]), 500),
        Answer("10,000 FLAGS", b"".join(flags), 10_000),
        Answer("2,000 literals of 2 kB", b"".join(bodies), 2000),
        Answer("one literal of 50 MB", b"* 1 FETCH (BODY[] {50000000}\r\n%b)\r\n" % large, 1),
    ]


class Server:
    """Answers each FETCH with the prepared bytes; everything else is OK."""

    def __init__(self) -> None:
        self.answer = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._socket.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.sendall(b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n")
        for line in client.makefile("rb"):
            tag, name, *_ = line.split()
            if name == b"CAPABILITY":
                client.sendall(b"* CAPABILITY IMAP4rev1\r\n")
            client.sendall(self.answer if name == b"FETCH" else b"")
            client.sendall(tag + b" OK done\r\n")


def with_imaplib(server: Server) -> float:
    client = imaplib.IMAP4("127.0.0.1", server.port)
    client.select()
    began = time.perf_counter()
    client.fetch("1:*", "(FLAGS)")
    took = time.perf_counter() - began
    client.shutdown()
    return took


async def with_ours(server: Server) -> float:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", server.port)
    client = hand_over(
        transport,
        host="127.0.0.1",
        port=server.port,
        capabilities=frozenset({"IMAP4REV1"}),
        early=b"",
        timeout_s=60,
    )
    return await _timed(client, transport)


async def with_aioimaplib(server: Server) -> float:
    client = aioimaplib.IMAP4("127.0.0.1", server.port, timeout=60)
    await client.wait_hello_from_server()
    return await _timed(client, client.protocol.transport)


async def _timed(client: aioimaplib.IMAP4, transport: asyncio.BaseTransport) -> float:
    await client.select()
    began = time.perf_counter()
    await client.fetch("1:*", "(FLAGS)")
    took = time.perf_counter() - began
    transport.close()
    await asyncio.sleep(0)
    return took


def _round(server: Server, answer: Answer) -> dict[str, float]:
    """Return the seconds that each reader took, one after another."""
    server.answer = answer.data
    took = {BASE: with_imaplib(server), OURS: asyncio.run(with_ours(server))}
    if answer.lines <= UPSTREAM_MAX_LINES:
        took["aioimaplib"] = asyncio.run(with_aioimaplib(server))
    return took


def run(_: World, *, is_full: bool) -> Iterator[Row]:
    """Measure the readers in turn."""
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(1_000_000)
    server = Server()
    for answer in answers():
        rounds = [_round(server, answer) for _ in range(ROUNDS[is_full])]
        yield row((NAME, answer.name, BASE), "ms (absolute)", [1000 * r[BASE] for r in rounds])
        yield from ratios((NAME, answer.name), rounds, BASE, {OURS: 1.0})
