"""A name server on loopback, over UDP and TCP: what it says is as honest as its zones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from types import TracebackType
from typing import Any, Final, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
from dns.rdatatype import RdataType

from securemail.testing.dns.authority import Authority
from securemail.testing.dns.zone import Denial, Signing, Zone, make_zone
from securemail.testing.listener import ADDRESS

# What it sends back for a query, or None: silence.
Answerer = Callable[[dns.message.Message], Awaitable[bytes | None]]

_UDP_SIZE: Final = 1232
_UNSIGNED: Final = Signing(denial=Denial.NONE)


class NameServer:
    """A name server for `zones` ({"example.org": its records, as in a zone file}).

    Used as `async with NameServer({...}) as names`. It signs the zones, those in `unsigned` apart,
    from a root of its own, so `Resolver([names.address], anchor=names.anchor)` finds them secure.
    `names.queries` is what it was asked, `names.is_asked` is set by the first query. `answer`
    replaces what it says, for servers that lie; "@" is the zone's own name.
    """

    def __init__(
        self,
        zones: Mapping[str, str] | Authority,
        *,
        unsigned: Collection[str] = (),
        answer: Answerer | None = None,
    ) -> None:
        self.authority: Final = (
            zones if isinstance(zones, Authority) else Authority.of(_zones(zones, unsigned))
        )
        self.queries: Final[list[tuple[str, dns.message.Message]]] = []
        self.is_asked: Final = asyncio.Event()
        self._answer = answer or self.honest
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The IP address and the port, for UDP and TCP alike.

        Raises:
            RuntimeError: the server is not running.

        """
        if self._listener is None:
            raise RuntimeError("the server is not running: use it in `async with`")
        return ADDRESS, int(self._listener.sockets[0].getsockname()[1])

    @property
    def anchor(self) -> str:
        """The key of its root as a trust anchor: a DS record as text."""
        return self.authority.anchor

    def asked(self) -> list[str]:
        """Return the questions, in order: "mail.example.org. IN A"."""
        return [query.question[0].to_text() for _, query in self.queries]

    async def honest(self, query: dns.message.Message) -> bytes | None:
        """Return the answer of its zones; one that lies may begin with it."""
        asked = query.question[0]
        response = self.authority.answer(asked.name, RdataType(asked.rdtype))
        response.id = query.id
        return response.to_wire(max_size=65535)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._listener = await asyncio.start_server(self._serve, ADDRESS, 0)
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._take), local_addr=self.address
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._datagrams is not None:
            self._datagrams.abort()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close their sockets in the next round of the loop

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, data: bytes, kind: str) -> bytes | None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        self.queries.append((kind, query))
        self.is_asked.set()
        return await self._answer(query)

    def _take(self, data: bytes, address: tuple[str, int]) -> None:
        self._start(self._reply_by_udp(data, address))

    async def _reply_by_udp(self, data: bytes, address: tuple[str, int]) -> None:
        reply = await self._reply(data, "udp")
        if reply is None or self._datagrams is None:
            return
        if len(reply) > _UDP_SIZE:
            short = dns.message.from_wire(data)
            short.flags |= dns.flags.QR | dns.flags.TC
            reply = short.to_wire()
        self._datagrams.sendto(reply, address)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._start(self._reply_by_tcp(reader, writer))

    async def _reply_by_tcp(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                reply = await self._reply(await reader.readexactly(length), "tcp")
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
        except (OSError, EOFError):
            pass
        finally:
            writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data, addr)


def _zones(zones: Mapping[str, str], unsigned: Collection[str]) -> list[Zone]:
    named = {dns.name.from_text(name): text for name, text in zones.items()}
    open_ones = {dns.name.from_text(name) for name in unsigned}
    root = {dns.name.root: ""} if dns.name.root not in named else {}
    return [
        make_zone(str(name), text, _UNSIGNED if name in open_ones else None)
        for name, text in (root | named).items()
    ]
