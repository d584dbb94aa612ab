"""Happy Eyeballs on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from securemail import ConnectError, Endpoint, Resolver, TLSMode
from securemail.aio import dial as dialling
from securemail.aio.dial import dial, interleave


class Recorder(asyncio.Protocol):
    """Remembers its transport."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def peer(self) -> str:
        assert self.transport is not None
        return str(self.transport.get_extra_info("peername")[0])

    async def close(self) -> None:
        assert self.transport is not None
        self.transport.abort()
        await asyncio.sleep(0)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def full() -> Iterator[socket.socket]:
    """A listener at 127.0.0.2 whose queue is full: connecting to it hangs."""
    with socket.socket() as sock, socket.socket() as first, socket.socket() as second:
        sock.bind(("127.0.0.2", 0))
        sock.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(sock.getsockname())
        yield sock


def endpoint(port: int, *addresses: str) -> Endpoint:
    return Endpoint("mail.example.org", port, TLSMode.IMPLICIT, addresses=addresses)


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([], []),
        (["127.0.0.1"], ["127.0.0.1"]),
        (
            ["::1", "::2", "127.0.0.1", "127.0.0.2", "::3"],
            ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"],
        ),
        (["127.0.0.1", "127.0.0.2", "::1"], ["127.0.0.1", "::1", "127.0.0.2"]),
    ],
)
def test_the_families_take_turns_and_the_first_ones_first(
    given: list[str], order: list[str]
) -> None:
    assert interleave(given) == order


async def test_a_refused_address_makes_way_for_the_next_at_once(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "ATTEMPT_DELAY_S", 3600)
    protocol = Recorder()
    await dial(endpoint(port_of(listener)), protocol, ["127.0.0.3", "127.0.0.1"])
    assert protocol.peer() == "127.0.0.1"
    await protocol.close()


async def test_an_address_that_does_not_answer_makes_way_after_the_delay(
    full: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "ATTEMPT_DELAY_S", 0.01)
    protocol = Recorder()
    with socket.create_server(("127.0.0.4", port_of(full))):
        await dial(endpoint(port_of(full)), protocol, ["127.0.0.2", "127.0.0.4"])
        assert protocol.peer() == "127.0.0.4"
        await protocol.close()


async def test_when_all_fail_the_error_says_what_each_address_said() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        wanted = endpoint(port_of(unused), "127.0.0.1", "127.0.0.2")
        with pytest.raises(ConnectError, match=r"127\.0\.0\.1: .*127\.0\.0\.2: ") as caught:
            await dial(wanted, Recorder(), wanted.addresses)
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.phase == "connect"


async def test_a_host_without_addresses_is_a_connect_error() -> None:
    with pytest.raises(ConnectError, match="no address"):
        await dial(endpoint(993), Recorder(), [])


async def test_a_name_that_does_not_exist_is_a_connect_error() -> None:
    with pytest.raises(ConnectError, match=r"cannot look up nowhere\.invalid"):
        await Resolver.system().addresses("nowhere.invalid")


async def test_the_system_resolver_lists_each_address_once() -> None:
    found = (await Resolver.system().addresses("localhost")).records
    assert "127.0.0.1" in found
    assert len(found) == len(set(found))


async def test_a_dial_that_is_cancelled_leaves_no_attempt(full: socket.socket) -> None:
    task = asyncio.create_task(dial(endpoint(port_of(full)), Recorder(), ["127.0.0.2"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_connection_to_itself_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system may do where a server on this computer is down, done on purpose."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = port_of(gone)

    class Bound(socket.socket):
        def __init__(self, *args: int) -> None:
            super().__init__(*args)
            self.bind(("127.0.0.1", port))

    monkeypatch.setattr(socket, "socket", Bound)
    with pytest.raises(ConnectError, match="refused"):
        await dial(endpoint(port), Recorder(), ["127.0.0.1"])


async def test_the_connection_does_without_nagles_algorithm(listener: socket.socket) -> None:
    protocol = Recorder()
    await dial(endpoint(port_of(listener)), protocol, ["127.0.0.1"])
    assert protocol.transport is not None
    sock = protocol.transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    await protocol.close()
