"""The proxy on real sockets, between asyncio's streams and a server that repeats all it hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from securemail import Endpoint, TLSMode
from securemail.testing import (
    AtByte,
    AtStep,
    Corrupt,
    Cut,
    Delay,
    Fault,
    FaultProxy,
    Reset,
    Side,
    Split,
    Stall,
    Truncate,
)
from tests.faults.clock import JumpingLoop, run

HELLO = b"hello\r\nworld\r\n"


@asynccontextmanager
async def echo() -> AsyncIterator[Endpoint]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                writer.write(data)
        except ConnectionResetError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Endpoint("echo.example.org", port, TLSMode.STARTTLS, addresses=["127.0.0.1"])


async def heard(proxy: FaultProxy, said: bytes = HELLO) -> list[bytes]:
    """Say it, and return what comes back, read by read, until the end."""
    reader, writer = await asyncio.open_connection(proxy.address, proxy.port)
    try:
        writer.write(said)
        writer.write_eof()
        parts = []
        while part := await reader.read(100):
            parts.append(part)
        return parts
    finally:
        writer.close()


async def through(*faults: Fault) -> tuple[bytes, FaultProxy]:
    async with echo() as endpoint, FaultProxy(endpoint, *faults) as proxy:
        parts = await heard(proxy)
        await proxy.wait_quiet()
    return b"".join(parts), proxy


async def test_without_a_fault_all_passes_and_is_recorded() -> None:
    async with echo() as endpoint, FaultProxy(endpoint) as proxy:
        assert proxy.endpoint.host == endpoint.host
        assert proxy.endpoint.port == proxy.port != endpoint.port
        for _ in range(2):
            assert b"".join(await heard(proxy)) == HELLO
        await proxy.wait_quiet()
    assert proxy.accepted == 2
    assert proxy.from_client == proxy.cleartext == HELLO * 2
    assert [bytes(each.from_server) for each in proxy.connections] == [HELLO] * 2
    assert proxy.connections[0].steps(Side.CLIENT) == (0, 7)
    assert not proxy.struck.is_set()


async def test_a_plan_has_faults_for_each_connection() -> None:
    def plan(number: int) -> list[Fault]:
        return [Fault(Cut(), AtByte(number))]

    async with echo() as endpoint, FaultProxy(endpoint, plan=plan) as proxy:
        assert [b"".join(await heard(proxy)) for _ in range(3)] == [b"", b"h", b"he"]


async def test_a_server_that_has_moved_is_where_it_is_now() -> None:
    nowhere = Endpoint("echo.example.org", 1, TLSMode.STARTTLS, addresses=["127.0.0.1"])
    async with echo() as endpoint, FaultProxy(nowhere) as proxy:
        with contextlib.suppress(ConnectionResetError):
            assert await heard(proxy) == []
        assert proxy.connections[0].problem
        proxy.server = endpoint
        assert b"".join(await heard(proxy)) == HELLO


@pytest.mark.parametrize(
    ("fault", "comes_back"),
    [
        (Fault(Cut(), AtByte(3)), b"hel"),
        (Fault(Cut(), AtStep(1)), b"hello\r\n"),
        (Fault(Truncate(), AtByte(3)), b"hel"),
        (Fault(Truncate(), AtByte(3), Side.CLIENT), b"hel"),
        (Fault(Corrupt(0x20), AtByte(0)), b"Hello\r\nworld\r\n"),
        (Fault(Corrupt(0x20), AtByte(0), Side.CLIENT), b"Hello\r\nworld\r\n"),
        (Fault(Cut(), AtByte(0), connection=1), HELLO),
    ],
)
async def test_what_comes_back(fault: Fault, comes_back: bytes) -> None:
    back, proxy = await through(fault)
    assert back == comes_back
    assert proxy.struck.is_set() == (fault.connection is None)
    # What left the client is recorded, whether or not it reached the server.
    assert proxy.from_client == HELLO


class Segments(asyncio.Protocol):
    """Keeps what each read brings."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


async def test_a_split_flow_comes_octet_by_octet() -> None:
    loop = asyncio.get_running_loop()
    async with echo() as endpoint, FaultProxy(endpoint, Fault(Split(), AtByte(7))) as proxy:
        transport, segments = await loop.create_connection(Segments, proxy.address, proxy.port)
        transport.write(HELLO)
        transport.write_eof()
        await segments.ended.wait()
        assert segments.received == [b"hello\r\n", *(bytes([octet]) for octet in b"world\r\n")]


async def test_a_reset_is_one_for_the_client() -> None:
    with pytest.raises(ConnectionResetError):
        await through(Fault(Reset(), AtByte(3)))


@pytest.mark.parametrize("side", Side)
async def test_a_stalled_flow_says_no_more_and_stays_up(side: Side) -> None:
    async with echo() as endpoint, FaultProxy(endpoint, Fault(Stall(), AtByte(7), side)) as proxy:
        reader, writer = await asyncio.open_connection(proxy.address, proxy.port)
        writer.write(HELLO)
        assert await reader.readexactly(7) == HELLO[:7]
        await proxy.struck.wait()
        assert not reader.at_eof()
        writer.close()


def test_a_delayed_flow_goes_on_after_its_time() -> None:
    async def measured() -> tuple[bytes, float]:
        begun = asyncio.get_running_loop().time()
        back, _ = await through(Fault(Delay(3600), AtByte(7)))
        return back, asyncio.get_running_loop().time() - begun

    back, seconds = run(measured(), loop=JumpingLoop)
    assert back == HELLO
    assert seconds >= 3600


async def test_a_server_that_cannot_be_reached_is_told() -> None:
    async with echo() as endpoint:
        pass
    async with FaultProxy(endpoint) as proxy:
        assert await heard(proxy, b"") == []
        await proxy.wait_quiet()
    assert proxy.connections[0].problem is not None


async def test_a_proxy_that_is_not_running_has_no_port() -> None:
    with pytest.raises(RuntimeError):
        _ = FaultProxy(Endpoint("x.example.org", 1, TLSMode.IMPLICIT)).endpoint
