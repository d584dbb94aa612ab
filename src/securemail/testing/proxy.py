"""A relay between a client and a real server, on which things go wrong as they are told to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final, Self, assert_never

from securemail.account import Endpoint
from securemail.testing.faults import (
    Corrupt,
    Cut,
    Delay,
    Fault,
    Flow,
    Side,
    Split,
    Stall,
    Truncate,
)
from securemail.testing.listener import ADDRESS, Listener
from securemail.testing.steps import Reset

_CHUNK: Final = 64 * 1024
_LINGER_0S: Final = struct.pack("ii", 1, 0)


class _ResetNow(Exception):  # noqa: N818 - an order, no error
    """Both ends are to get an RST."""


@dataclass(slots=True)
class Relayed:
    """One connection: what each side said, whether or not it reached the other."""

    from_client: bytearray = field(default_factory=bytearray, repr=False)
    from_server: bytearray = field(default_factory=bytearray, repr=False)
    flows: dict[Side, Flow] = field(default_factory=dict, repr=False)
    problem: str | None = None
    """Why the server could not be reached, or which end left without a word."""

    @property
    def cleartext(self) -> bytes:
        """What left the client before its first TLS record: all of it when there was none."""
        return bytes(self.from_client[: self.flows[Side.CLIENT].finder.tls_at])

    @property
    def struck(self) -> tuple[Fault, ...]:
        """The faults that have struck."""
        return tuple(fault for flow in self.flows.values() for fault in flow.struck)

    def steps(self, side: Side = Side.SERVER) -> tuple[int, ...]:
        """Return the offsets at which lines and TLS records of that side begin."""
        return tuple(self.flows[side].finder.starts)


class FaultProxy:
    """Relays to `server`, used as `async with FaultProxy(endpoint, Fault(...)) as proxy`.

    Clients connect to `proxy.endpoint`, which is the server's with another port. TLS passes
    through: the proxy has no key and reads nothing inside it. `proxy.connections` has a record of
    each connection; `proxy.struck` is set when the first fault strikes. `plan` returns further
    faults for the connection with that number. Change `proxy.server` when the server has moved.
    """

    def __init__(
        self,
        server: Endpoint,
        *faults: Fault,
        plan: Callable[[int], Iterable[Fault]] | None = None,
    ) -> None:
        self.server = server
        self._plan = plan or (lambda _number: ())
        self.connections: Final[list[Relayed]] = []
        self.struck: Final = asyncio.Event()
        self._faults: Final = faults
        self._listener = Listener(self._serve)

    @property
    def address(self) -> str:
        """The IPv4 address that it listens on."""
        return ADDRESS

    @property
    def port(self) -> int:
        """The port, chosen by the system.

        Raises:
            RuntimeError: the proxy is not running.

        """
        return self._listener.port

    @property
    def endpoint(self) -> Endpoint:
        """The server's endpoint, by way of the proxy.

        Raises:
            RuntimeError: the proxy is not running.

        """
        return replace(self.server, port=self.port, addresses=(self.address,))

    @property
    def accepted(self) -> int:
        """How many clients have connected."""
        return self._listener.accepted

    @property
    def from_client(self) -> bytes:
        """Every octet that left the clients, in the order of the connections."""
        return b"".join(each.from_client for each in self.connections)

    @property
    def cleartext(self) -> bytes:
        """What left before the first TLS record of each connection, in the order they came."""
        return b"".join(each.cleartext for each in self.connections)

    async def __aenter__(self) -> Self:
        self._listener.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every connection and stop listening. More than once is harmless."""
        await self._listener.aclose()

    async def wait_quiet(self) -> None:
        """Wait until no connection is left: both ends have closed."""
        await self._listener.wait_quiet()

    async def _serve(self, client: socket.socket) -> None:
        number = len(self.connections)
        mine = [fault for fault in self._faults if fault.connection in (None, number)]
        mine += self._plan(number)
        flows = {side: Flow(each for each in mine if each.side is side) for side in Side}
        relayed = Relayed(flows=flows)
        self.connections.append(relayed)
        host = self.server.addresses[0] if self.server.addresses else self.server.host
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
            server.settimeout(0)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await asyncio.get_running_loop().sock_connect(server, (host, self.server.port))
                await _Relay(client, server, relayed, self.struck).run()
            except OSError as exc:
                relayed.problem = str(exc)


class _Relay:
    """One client and one server, through sockets that the caller closes."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        relayed: Relayed,
        struck: asyncio.Event,
    ) -> None:
        self._ends = {Side.CLIENT: client, Side.SERVER: server}
        self._kept = {Side.CLIENT: relayed.from_client, Side.SERVER: relayed.from_server}
        self._relayed = relayed
        self._struck = struck
        self._split: set[Side] = set()
        self._mute: set[Side] = set()  # nothing of theirs passes any more, nor their end
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Return when both sides have closed. Raises: OSError."""
        try:
            async with asyncio.TaskGroup() as group:
                for side in Side:
                    group.create_task(self._pump(side))
        except* _ResetNow:
            for end in self._ends.values():
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0S)
        except* OSError as lost:
            self._relayed.problem = str(lost.exceptions[0])

    async def _pump(self, side: Side) -> None:
        flow, kept = self._relayed.flows[side], self._kept[side]
        while data := await self._loop.sock_recv(self._ends[side], _CHUNK):
            kept += data
            for order in flow.feed(data):
                if isinstance(order, bytes):
                    await self._pass(side, order)
                else:
                    await self._strike(order)
        self._finish(side)

    async def _pass(self, side: Side, data: bytes) -> None:
        if side in self._mute:
            return
        other = self._other(side)
        for piece in _octets(data) if side in self._split else (data,):
            await self._loop.sock_sendall(other, piece)
            if side in self._split:
                await _until_read()

    async def _strike(self, fault: Fault) -> None:
        self._struck.set()
        side = fault.side
        match fault.action:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Stall():
                self._mute.add(side)
            case Cut():
                for each in Side:
                    self._finish(each)
            case Truncate():
                self._finish(side)
            case Reset():
                raise _ResetNow
            case Split():
                await _until_read()
                self._split.add(side)
            case Corrupt():
                pass  # done already: it changes an octet, not what happens to it
            case _:
                assert_never(fault.action)

    def _finish(self, side: Side) -> None:
        """Tell the other end, once, that this one sends no more."""
        if side not in self._mute:
            self._mute.add(side)
            self._other(side).shutdown(socket.SHUT_WR)

    def _other(self, side: Side) -> socket.socket:
        return self._ends[Side.SERVER if side is Side.CLIENT else Side.CLIENT]


async def _until_read() -> None:
    """Let a client on this loop read: it is woken in the first turn and reads in the second."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _octets(data: bytes) -> Iterable[bytes]:
    return (data[index : index + 1] for index in range(len(data)))
