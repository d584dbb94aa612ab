"""The transport between a socket that takes its time and a client that does not."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from securemail import ConnectError, SecureMailError, UsageError
from securemail.aio.transport import SecureTransport
from securemail.aio.upper import Upper
from securemail.testing import CertificateAuthority, self_signed
from securemail.tls.engine import Engine
from tests.tls.memory import HOST, MemoryServer, engine

MIB = 1024 * 1024


class FakeSocket(asyncio.Transport):
    """The loop's TCP transport, as far as ours uses it."""

    def __init__(self, high: int = 64 * 1024) -> None:
        super().__init__()
        self.waiting = bytearray()
        self.most_waiting = 0
        self.is_aborted = self.is_closed = self.is_paused = False
        self._high = high
        self._upper: SecureTransport | None = None

    def connect(self, upper: SecureTransport) -> None:
        self._upper = upper
        upper.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += data
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        if len(self.waiting) > self._high and not self.is_paused and self._upper:
            self.is_paused = True
            self._upper.pause_writing()

    def drain(self) -> bytes:
        data = bytes(self.waiting)
        self.waiting.clear()
        if self.is_paused and self._upper:
            self.is_paused = False
            self._upper.resume_writing()
        return data

    def feed(self, data: bytes) -> None:
        """Deliver `data` as the loop does: into the buffer, piece by piece."""
        assert self._upper is not None
        while data:
            room = self._upper.get_buffer(-1)
            piece, data = data[: len(room)], data[len(room) :]
            room[: len(piece)] = piece
            self._upper.buffer_updated(len(piece))

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)


class Client(Upper):
    """Records what it is told."""

    def __init__(self) -> None:
        self.received = b""
        self.events: list[str] = []
        self.lost: list[Exception | None] = []

    def tls_established(self) -> None:
        self.events.append("tls")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> None:
        self.events.append("eof")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


class World:
    """Client, transport, fake socket and a server in memory, wired up."""

    def __init__(self, client_engine: Engine, context: ssl.SSLContext) -> None:
        self.client = Client()
        self.transport = SecureTransport(self.client)
        self.socket = FakeSocket()
        self.server = MemoryServer(context)
        self.transport.start_tls(client_engine)
        self.socket.connect(self.transport)

    def turn(self) -> None:
        self.server.incoming.write(self.socket.drain())
        self.server.advance()
        self.socket.feed(self.server.outgoing.read())

    def shake_hands(self) -> None:
        for _ in range(4):
            self.turn()

    def say(self, data: bytes) -> None:
        self.server.tls.write(data)
        self.socket.feed(self.server.outgoing.read())


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
def world(ca: CertificateAuthority) -> World:
    made = World(engine(ca.pem), ca.server_context(HOST))
    made.shake_hands()
    return made


def test_with_implicit_tls_no_byte_is_taken_as_cleartext(ca: CertificateAuthority) -> None:
    made = World(engine(ca.pem), ca.server_context(HOST))
    made.socket.feed(b"* OK hello in the clear\r\n")
    assert made.client.received == b""
    assert made.socket.is_aborted


def test_after_the_switch_no_byte_is_taken_as_cleartext(ca: CertificateAuthority) -> None:
    client = Client()
    transport, sock = SecureTransport(client), FakeSocket()
    sock.connect(transport)
    sock.feed(b"* OK hello\r\n")
    transport.start_tls(engine(ca.pem))
    sock.feed(b"* OK still in the clear\r\n")
    assert client.received == b"* OK hello\r\n"
    assert sock.is_aborted


def test_tls_is_started_once(world: World, ca: CertificateAuthority) -> None:
    with pytest.raises(UsageError):
        world.transport.start_tls(engine(ca.pem))


def test_nothing_can_be_written_before_the_handshake_is_over(ca: CertificateAuthority) -> None:
    made = World(engine(ca.pem), ca.server_context(HOST))
    made.socket.drain()
    with pytest.raises(UsageError):
        made.transport.write(b"secret")
    assert made.socket.drain() == b""


def test_the_client_hears_of_tls_before_any_byte_inside_it(world: World) -> None:
    assert world.client.events == ["tls"]
    world.say(b"hello")
    assert world.client.received == b"hello"


def test_a_large_message_is_encrypted_as_the_socket_takes_it(world: World) -> None:
    message = bytes(range(256)) * (8 * MIB // 256)
    world.socket.most_waiting = 0
    world.transport.write(message)
    received = bytearray()
    while world.socket.waiting:
        world.server.incoming.write(world.socket.drain())
        try:
            while True:
                received += world.server.tls.read(MIB)
        except ssl.SSLWantReadError:
            pass
    assert bytes(received) == message
    assert world.socket.most_waiting < 256 * 1024
    assert world.client.events == ["tls", "pause", "resume"]


def test_what_waits_to_be_sent_is_counted(world: World) -> None:
    world.transport.write(b"x" * MIB)
    assert world.transport.get_write_buffer_size() >= MIB


def test_closing_sends_what_is_left_and_then_the_close_alert(world: World) -> None:
    world.transport.write(b"x" * MIB)
    world.transport.close()
    assert not world.socket.is_closed
    received = b""
    while world.socket.waiting:
        world.server.incoming.write(world.socket.drain())
        try:
            while chunk := world.server.tls.read(MIB):
                received += chunk
        except ssl.SSLWantReadError:
            continue
    assert received == b"x" * MIB
    assert world.socket.is_closed


def test_a_close_alert_is_told_as_an_end_and_answered(world: World) -> None:
    with pytest.raises(ssl.SSLWantReadError):
        world.server.tls.unwrap()
    world.socket.feed(world.server.outgoing.read())
    assert "eof" in world.client.events
    assert world.socket.is_closed
    world.transport.connection_lost(None)
    assert world.client.lost == [None]


def test_an_end_without_a_close_alert_is_told_as_a_truncation(world: World) -> None:
    world.transport.eof_received()
    world.transport.connection_lost(None)
    (error,) = world.client.lost
    assert isinstance(error, ConnectError)
    assert error.is_truncated


def test_a_reset_is_told_as_one_of_our_errors(world: World) -> None:
    world.transport.connection_lost(ConnectionResetError(104, "reset by peer"))
    (error,) = world.client.lost
    assert isinstance(error, ConnectError)
    assert isinstance(error.__cause__, ConnectionResetError)


def test_the_alert_for_a_bad_certificate_leaves_before_the_connection_ends(
    ca: CertificateAuthority,
) -> None:
    made = World(engine(ca.pem), self_signed(HOST).context())
    made.shake_hands()
    assert made.socket.is_aborted
    made.server.incoming.write(made.socket.drain())
    made.server.advance()
    assert made.server.error is not None
    made.transport.connection_lost(None)
    assert isinstance(made.client.lost[0], SecureMailError)


def test_what_comes_after_an_error_is_not_delivered(world: World) -> None:
    world.transport.abort()
    world.server.tls.write(b"late")
    world.socket.feed(world.server.outgoing.read())
    assert world.client.received == b""


def test_writing_to_a_closed_transport_is_ignored(world: World) -> None:
    world.transport.abort()
    world.socket.drain()
    world.transport.write(b"late")
    assert world.socket.drain() == b""


def test_a_socket_that_fails_is_seen_before_anybody_is_told(world: World) -> None:
    """Else the rest of a message is "sent" in the same turn of the loop, its end included."""
    world.socket.abort()  # as the loop does when a write fails; `connection_lost` comes later
    assert not world.client.lost
    assert world.transport.is_closing()


def test_bytes_follow_the_protocol_that_is_set(world: World) -> None:
    other = Client()
    world.transport.set_protocol(other)
    world.say(b"hello")
    assert (world.client.received, other.received) == (b"", b"hello")
    assert world.transport.get_protocol() is other


def test_after_the_end_no_protocol_is_held(world: World) -> None:
    world.transport.connection_lost(None)
    world.transport.set_protocol(other := Client())
    assert world.transport.get_protocol() not in {world.client, other}
    assert len(world.client.lost) == 1


def test_a_connection_that_comes_after_the_abort_is_aborted(ca: CertificateAuthority) -> None:
    transport, socket = SecureTransport(Client()), FakeSocket()
    transport.start_tls(engine(ca.pem))
    transport.abort()
    socket.connect(transport)
    assert socket.is_aborted
    assert socket.drain() == b""


def test_a_burst_is_delivered_in_records(world: World) -> None:
    world.say(b"x" * MIB)
    assert world.client.received == b"x" * MIB
