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
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
from benchmarks.harness import OURS, Row, ratios, row
from benchmarks.world import World

from securemail.transports.imap import hand_over

NAME = "reading a large answer"
BASE = "imaplib"
ROUNDS = {False: 3, True: 9}
LISTING = 10_000
# How many times longer four times as much may take.
LINEAR = 5.0
SMALL = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What FETCH 1:* gets."""

    name: str
    data: bytes
    lines: int


def flags(count: int) -> bytes:
    """Return the flags of so many messages."""
    return b"".join(b"* %d FETCH (FLAGS (\\Seen))\r\n" % n for n in range(1, count + 1))


def answers() -> list[Answer]:
    """Return the answers that are read."""
    literal = b"x" * 2000
    bodies = [b"* %d FETCH (BODY[] {2000}\r\n%b)\r\n" % (n, literal) for n in range(1, 2001)]
    large = b"x" * 50_000_000
    return [
        Answer("500 FLAGS", flags(500), 500),
        Answer("10,000 FLAGS", flags(LISTING), LISTING),
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
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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


def _round(server: Server, answer: Answer, number: int) -> dict[str, float]:
    """Return the seconds that each reader took, one after another.

    aioimaplib needs half a minute for three times 10,000 flags: once is enough.
    """
    server.answer = answer.data
    took = {BASE: with_imaplib(server), OURS: asyncio.run(with_ours(server))}
    if answer.lines <= SMALL or (answer.lines == LISTING and number == 0):
        took["aioimaplib"] = asyncio.run(with_aioimaplib(server))
    return took


def run(_: World, *, is_full: bool) -> Iterator[Row]:
    """Measure the readers in turn."""
    with _room_for_aioimaplib():
        yield from _measured(is_full=is_full)


@contextmanager
def _room_for_aioimaplib() -> Iterator[None]:
    """Let it recurse, and say nothing of each line, as long as it is measured."""
    limit = sys.getrecursionlimit()
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(1_000_000)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        sys.setrecursionlimit(limit)


def _measured(*, is_full: bool) -> Iterator[Row]:
    server = Server()
    for answer in answers():
        rounds = [_round(server, answer, number) for number in range(ROUNDS[is_full])]
        yield row((NAME, answer.name, BASE), "ms (absolute)", [1000 * r[BASE] for r in rounds])
        yield from ratios((NAME, answer.name), rounds, BASE, {OURS: 1.0})
        if answer.lines == LISTING:
            upstream = [{OURS: rounds[0][OURS], "aioimaplib": rounds[0]["aioimaplib"]}]
            yield from ratios((NAME, answer.name), upstream, "aioimaplib", {OURS: 0.01})
    yield from _linearity(server, ROUNDS[is_full])


def _linearity(server: Server, rounds: int) -> Iterator[Row]:
    """Compare four times as much with as much, at once and octet by octet."""
    for name, read in (("whole", _whole), ("one octet at a time", _by_octets)):
        factors = [read(server, 4 * LISTING) / read(server, LISTING) for _ in range(rounds)]
        place = (NAME, f"FLAGS, {name}: four times as many", OURS)
        yield row(place, "times the time", factors, target=LINEAR)


def _whole(server: Server, count: int) -> float:
    server.answer = flags(count)
    return asyncio.run(with_ours(server))


def _by_octets(_: Server, count: int) -> float:
    """Return the CPU time for a tenth of `count` messages, no socket in between."""
    return asyncio.run(_fed(flags(count // 10)))


async def _fed(data: bytes) -> float:
    nowhere = _Nowhere()
    client = hand_over(nowhere, host="", port=0, capabilities=frozenset(), early=b"", timeout_s=600)
    await nowhere.answer(client, client.select(), b"")
    began_s = time.process_time()
    await nowhere.answer(client, client.fetch("1:*", "(FLAGS)"), data)
    return time.process_time() - began_s


class _Nowhere(asyncio.Transport):
    """Sends nothing, and knows the tag of what was to be sent last."""

    def __init__(self) -> None:
        super().__init__()
        self._tag = b""
        self._has_asked = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the tag."""
        self._tag = bytes(data).split()[0]
        self._has_asked.set()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Do nothing: nothing is received."""

    def get_write_buffer_size(self) -> int:
        """Return 0: nothing waits."""
        return 0

    def is_closing(self) -> bool:
        """Return False."""
        return False

    async def answer(
        self, client: aioimaplib.IMAP4, command: Coroutine[None, None, object], data: bytes
    ) -> None:
        """Answer `command` with `data`, one octet at a time."""
        self._has_asked.clear()
        asked = asyncio.ensure_future(command)
        await self._has_asked.wait()
        for octet in data:
            client.protocol.data_received(bytes((octet,)))
        client.protocol.data_received(self._tag + b" OK done\r\n")
        await asked
