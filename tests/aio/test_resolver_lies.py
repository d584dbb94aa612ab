"""A resolver that is silent, lies or plays for time: a typed error, within the limit passed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import dns.flags
import dns.message
import pytest

from securemail import ConnectError, DiscoveryError, DiscoveryReason, DNSTrust, Resolver
from securemail.testing import NameServer
from tests.discovery.worlds import world
from tests.values import silent

SOON_S = 0.1  # where the limit is what ends it
PATIENCE_S = 10.0
NAME = "mail.nsec.test"
Say = Callable[[dns.message.Message], bytes]
Stream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def reason(resolver: Resolver) -> DiscoveryReason:
    with pytest.raises(DiscoveryError) as caught:
        await resolver.tlsa(NAME, 993)
    return caught.value.reason


def asking(
    *servers: tuple[str, int], trust: DNSTrust = DNSTrust.VALIDATE, limit_s: float = SOON_S
) -> Resolver:
    return Resolver(servers, trust=trust, anchor=world().anchor, timeout_s=limit_s)


def another_number(query: dns.message.Message) -> bytes:
    query.id ^= 1
    return dns.message.make_response(query).to_wire()


def another_question(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("other.test", "A")
    other.id = query.id
    return dns.message.make_response(other).to_wire()


def another_type(query: dns.message.Message) -> bytes:
    other = dns.message.make_query(query.question[0].name, "TXT")
    other.id = query.id
    return dns.message.make_response(other).to_wire()


def the_question(query: dns.message.Message) -> bytes:
    return query.to_wire()


def noise(query: dns.message.Message) -> bytes:
    return query.id.to_bytes(2, "big") + b"\xff" * 600


def half(query: dns.message.Message) -> bytes:
    return dns.message.make_response(query).to_wire()[:-5]


LIES: dict[Say, DiscoveryReason] = {
    # Who does not see our query guesses its number: the true answer may still come.
    another_number: DiscoveryReason.TIMEOUT,
    another_question: DiscoveryReason.MALFORMED,
    another_type: DiscoveryReason.MALFORMED,
    the_question: DiscoveryReason.MALFORMED,
    noise: DiscoveryReason.MALFORMED,
    half: DiscoveryReason.MALFORMED,
}


@pytest.mark.parametrize("trust", DNSTrust)
@pytest.mark.parametrize("lie", LIES)
async def test_what_is_no_answer_to_our_question_is_an_error(lie: Say, trust: DNSTrust) -> None:
    async def lying(query: dns.message.Message) -> bytes | None:
        return lie(query)

    limit_s = SOON_S if LIES[lie] is DiscoveryReason.TIMEOUT else PATIENCE_S
    async with NameServer(world(), answer=lying) as server:
        assert await reason(asking(server.address, trust=trust, limit_s=limit_s)) is LIES[lie]


@pytest.mark.parametrize("trust", DNSTrust)
async def test_an_answer_that_comes_after_the_limit_is_none(trust: DNSTrust) -> None:
    late = asyncio.Event()

    async def waiting(query: dns.message.Message) -> bytes | None:
        await late.wait()
        return await server.honest(query)

    async with NameServer(world(), answer=waiting) as server:
        resolver = asking(server.address, trust=trust)
        assert await reason(resolver) is DiscoveryReason.TIMEOUT
        late.set()


async def test_a_forged_number_does_not_keep_the_true_answer_out() -> None:
    """RFC 5452 section 9.1: what does not fit the query is as if it had not come."""

    async def both(query: dns.message.Message) -> bytes | None:
        assert server._datagrams is not None
        host = server.addresses_seen[-1]
        server._datagrams.sendto(another_number(dns.message.from_wire(query.to_wire())), host)
        return await server.honest(query)

    server = Noting(world(), answer=both)
    async with server:
        answer = await Resolver([server.address], anchor=world().anchor).tlsa(NAME, 993)
    assert answer.records


class Noting(NameServer):
    """Notes where its queries come from."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # what its base takes
        self.addresses_seen: list[tuple[str, int]] = []

    def _take(self, data: bytes, address: tuple[str, int]) -> None:
        self.addresses_seen.append(address)
        super()._take(data, address)


@dataclass(slots=True)
class Truncating:
    """Says over UDP that the answer is too long, and does over TCP what `stream` does."""

    stream: Stream
    address: tuple[str, int] = ("127.0.0.1", 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[str, int]]:
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self.stream(reader, writer)
            except OSError:
                pass
            finally:
                writer.transport.abort()

        listener = await asyncio.start_server(serve, *self.address)
        address = listener.sockets[0].getsockname()
        loop = asyncio.get_running_loop()
        datagrams, _ = await loop.create_datagram_endpoint(_Short, local_addr=address)
        try:
            yield address
        finally:
            datagrams.abort()
            listener.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)


class _Short(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        short = dns.message.make_response(dns.message.from_wire(data))
        short.flags |= dns.flags.TC
        self.transport.sendto(short.to_wire(), addr)


async def query_of(reader: asyncio.StreamReader) -> dns.message.Message:
    length = int.from_bytes(await reader.readexactly(2), "big")
    return dns.message.from_wire(await reader.readexactly(length))


async def nothing_over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await query_of(reader)


async def less_than_promised(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await query_of(reader)
    writer.write((65535).to_bytes(2, "big") + bytes(100))
    await reader.read()


async def one_byte_at_a_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every byte is in time; the whole never is."""
    await query_of(reader)
    for each in (65535).to_bytes(2, "big") + bytes(65535):
        writer.write(bytes([each]))
        await writer.drain()
        await asyncio.sleep(0)


async def an_empty_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await query_of(reader)
    writer.write(b"\0\0")
    await reader.read()


async def truncated_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Over TCP, too, it says that there is more: what came is not taken for all."""
    response = dns.message.make_response(await query_of(reader))
    response.flags |= dns.flags.TC
    writer.write(response.to_wire(prepend_length=True))
    await reader.read()


STREAMS: dict[Stream, DiscoveryReason] = {
    nothing_over_tcp: DiscoveryReason.TIMEOUT,
    less_than_promised: DiscoveryReason.TIMEOUT,
    one_byte_at_a_time: DiscoveryReason.TIMEOUT,
    the_end: DiscoveryReason.UNREACHABLE,
    an_empty_message: DiscoveryReason.MALFORMED,
    truncated_again: DiscoveryReason.MALFORMED,
}


@pytest.mark.parametrize("trust", DNSTrust)
@pytest.mark.parametrize("stream", STREAMS)
async def test_a_long_answer_that_never_comes_whole_is_an_error(
    stream: Stream, trust: DNSTrust
) -> None:
    async with Truncating(stream).running() as address:
        limit_s = SOON_S if STREAMS[stream] is DiscoveryReason.TIMEOUT else PATIENCE_S
        assert await reason(asking(address, trust=trust, limit_s=limit_s)) is STREAMS[stream]


async def test_silence_about_addresses_is_a_network_error() -> None:
    async with NameServer(world(), answer=silent) as server:
        with pytest.raises(ConnectError):
            await asking(server.address).addresses(NAME)
