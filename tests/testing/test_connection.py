"""The connection under the MailServer: no cleartext survives the change to TLS."""

from __future__ import annotations

import ssl
import sys

import pytest

from securemail.testing.ca import CertificateAuthority
from securemail.testing.connection import Connection
from securemail.testing.server import MailServer
from tests.testing.clients import raw_alice


async def test_tls_does_not_begin_while_cleartext_is_unread(context: ssl.SSLContext) -> None:
    connection = Connection()
    connection.data_received(b"y LOGIN mallory x\r\n")
    with pytest.raises(RuntimeError, match="19 bytes of cleartext unread"):
        connection.start_tls(context)


async def test_a_line_is_read_with_its_end_and_leaves_the_rest() -> None:
    connection = Connection()
    connection.data_received(b"a NOOP\r\nb")
    assert await connection.readline(100) == b"a NOOP\r\n"
    assert connection.buffered == 1


async def test_reading_from_a_client_that_has_left_raises_after_what_it_said() -> None:
    connection = Connection()
    connection.data_received(b"a NOOP\r\nb")
    connection.eof_received()
    assert await connection.readline(100) == b"a NOOP\r\n"
    with pytest.raises(ConnectionResetError):
        await connection.readline(100)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is for POSIX")
def test_the_mail_server_works_on_uvloop(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    import uvloop

    async def delivery_is_told() -> list[bytes]:
        async with (
            MailServer({"alice": "secret"}, ca=ca) as server,
            raw_alice(server, trusting) as client,
        ):
            server.store.deliver("alice", b"\r\n")
            return await client.ask(b"NOOP")

    assert uvloop.run(delivery_is_told())[0] == b"* 1 EXISTS"
