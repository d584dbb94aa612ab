"""What is acknowledged at once: what comes between the handshake and the server's first word."""

from __future__ import annotations

import socket

import pytest

from securemail.testing import CertificateAuthority
from tests.aio.test_transport import World
from tests.tls.memory import HOST, engine

QUICKACK = socket.IPPROTO_TCP, getattr(socket, "TCP_QUICKACK", None), 1
pytestmark = pytest.mark.skipif(QUICKACK[1] is None, reason="the system has no TCP_QUICKACK")


class Options:
    """A socket that is told its options."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, int]] = []

    def setsockopt(self, *option: int) -> None:
        level, name, value = option
        self.told.append((level, name, value))


@pytest.fixture
def options() -> Options:
    return Options()


@pytest.fixture
def world(options: Options) -> World:
    ca = CertificateAuthority()
    made = World(engine(ca.pem), ca.server_context(HOST))
    made.socket._extra["socket"] = options  # type: ignore[attr-defined]  # asyncio's
    return made


def test_the_handshake_is_acknowledged_when_ours_is_written(world: World, options: Options) -> None:
    world.turn()
    assert world.client.events == ["tls"]
    assert options.told == [QUICKACK]


def test_session_tickets_are_acknowledged_although_we_have_spoken_first(
    world: World, options: Options
) -> None:
    world.turn()
    world.transport.write(b"EHLO [127.0.0.1]\r\n")
    options.told.clear()
    world.turn()
    assert world.client.received == b""
    assert options.told == [QUICKACK]


def test_words_are_acknowledged_by_what_we_say_next(world: World, options: Options) -> None:
    world.shake_hands()
    options.told.clear()
    world.say(b"250 hello\r\n")
    world.say(b"250 hello again\r\n")
    assert options.told == []
