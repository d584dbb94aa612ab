"""A server that makes us answer and does not read the answers."""

from __future__ import annotations

import pytest

from securemail import LimitExceeded, limits
from securemail.testing import CertificateAuthority
from tests.aio.test_transport import World
from tests.tls.memory import HOST, engine


@pytest.mark.parametrize("is_read", [False, True])
def test_answers_that_nobody_reads_end_the_connection(
    is_read: bool,
) -> None:
    ca = CertificateAuthority()
    world = World(engine(ca.pem), ca.server_context(HOST))
    world.shake_hands()
    world.transport.write(b"x" * 200_000)
    world.socket.waiting += b"\0" * limits.UNREAD_BYTES
    if is_read:
        world.socket.drain()
    world.say(b"* OK\r\n")
    assert world.socket.is_aborted != is_read
    world.transport.connection_lost(None)
    assert isinstance(world.client.lost[0], LimitExceeded) != is_read
