"""Clients of the MailServer that send nonsense, stall or vanish: nothing is left behind."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct

import pytest

from securemail.testing.ca import CertificateAuthority
from securemail.testing.server import MailServer
from tests.testing.clients import raw_alice, raw_imap
from tests.testing.mail_clients import MAIL


@pytest.mark.parametrize(
    "command",
    [
        b"NONSENSE",
        b"LOGIN",
        b"LOGIN alice",
        b'LOGIN "alice secret',
        b"LOGIN alice secret more",
        b"SELECT INBOX",
        b"FETCH 1 (FLAGS)",
        b"UID",
        b"UID NONSENSE",
        b"CAPABILITY now",
        b"AUTHENTICATE",
    ],
)
async def test_nonsense_before_login_is_bad_and_the_session_goes_on(
    server: MailServer, trusting: ssl.SSLContext, command: bytes
) -> None:
    async with raw_imap(server, trusting) as client:
        assert (await client.ask(command))[-1].startswith(b"x BAD ")
        assert (await client.ask(b"NOOP"))[-1] == b"x OK completed"


@pytest.mark.parametrize(
    "command",
    [
        b"FETCH",
        b"FETCH 1",
        b"FETCH x (FLAGS)",
        b"FETCH 1 (FLAGS",
        b"FETCH 1 (NONSENSE)",
        b"STORE 1 FLAGS (\\Nonsense)",
        b"STORE 1 FLAGS (\\Seen",
        b"STATUS INBOX (NONSENSE)",
        b"STATUS INBOX MESSAGES",
        b"APPEND INBOX",
        b"APPEND INBOX (\\Seen) hello",
        b'APPEND INBOX "31-Feb-2020 00:00:00 +0000" {1}\r\n.',
        b'APPEND INBOX "01-Jan-2020 00:00:00 +9900" {1}\r\n.',
        b"LIST",
        b'SELECT "\xff"',
        b"EXPUNGE 1",
    ],
)
async def test_nonsense_after_login_is_bad_and_the_session_goes_on(
    server: MailServer, trusting: ssl.SSLContext, command: bytes
) -> None:
    server.store.deliver("alice", MAIL)
    async with raw_alice(server, trusting) as client:
        lines = await client.ask(command)
        if lines == [b"+ go ahead"]:
            lines = await client.answer()
        assert lines[-1].startswith(b"x BAD ")
        assert (await client.ask(b"NOOP"))[-1] == b"x OK completed"


async def test_a_line_without_end_closes_the_connection(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        client.send(b"x" * 70_000)
        assert await client.line() == b"* BYE a line of more than 65536 bytes\r\n"
        assert await client.line() == b""


async def test_a_line_that_ends_with_lf_only_closes_the_connection(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        client.send(b"x NOOP\n")
        assert await client.line() == b"* BYE a line that ends with LF only\r\n"


async def test_a_literal_that_is_too_big_is_not_asked_for(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        refused = await client.ask(b"LOGIN alice {4294967295}")
        assert refused == [b"x NO [TOOBIG] a literal of 4294967295 bytes"]
        assert (await client.ask(b"NOOP"))[-1] == b"x OK completed"


async def test_a_non_synchronizing_literal_ends_the_connection(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        refused = await client.ask(b"LOGIN alice {6+}")
        assert refused == [b"x BAD non-synchronizing literals are not offered"]
        assert await client.line() == b""


async def test_kill_resets_every_connection_and_the_server_goes_on(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    sock = socket.create_connection((server.address, server.port("imap", "starttls")))
    with sock:
        sock.settimeout(0)
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(sock, 100)
        assert server.sessions == 1
        server.kill()
        with pytest.raises(ConnectionResetError):
            await loop.sock_recv(sock, 100)
    await server.wait_quiet()
    async with raw_alice(server, trusting) as client:
        assert (await client.ask(b"NOOP"))[-1] == b"x OK completed"
    assert server.accepted == 2


async def test_the_end_of_the_server_ends_connections_in_every_state(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", b"x" * 30_000_000)
        mute = socket.create_connection((server.address, server.port()))  # never shakes hands
        async with (
            raw_imap(server, None) as cleartext,
            raw_alice(server, trusting) as idler,
            raw_alice(server, trusting) as slow,
        ):
            await idler.ask(b"IDLE")
            slow.send(b"x FETCH 1 (BODY[])\r\n")
            await slow.line()  # and not the 30 MB that follow
            await server.aclose()
            assert server.sessions == 0
            assert await cleartext.line() == b""
        mute.close()


@pytest.fixture
def no_noise(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Tell what asyncio logs about exceptions; its warnings about slow steps are not meant."""
    caplog.set_level(logging.ERROR)
    return caplog


async def all_ended(server: MailServer, expected: int) -> None:
    """Wait until so many connections have come, and all of them have gone."""
    while server.accepted < expected:  # noqa: ASYNC110 - nobody tells when a backlog is empty
        await asyncio.sleep(0)
    await server.wait_quiet()
    assert server.sessions == 0


DIALOGUE = b"a CAPABILITY\r\nb NOOP\r\nc STARTTLS\r\n\x16\x03\x01\x00\x10rubbish rubbish."


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_client_that_vanishes_in_cleartext_leaves_nothing(
    server: MailServer, no_noise: pytest.LogCaptureFixture, *, is_reset: bool
) -> None:
    address = (server.address, server.port("imap", "starttls"))
    loop = asyncio.get_running_loop()
    for cut in range(len(DIALOGUE) + 1):
        with socket.socket() as sock:
            sock.settimeout(0)
            await loop.sock_connect(sock, address)
            await loop.sock_sendall(sock, DIALOGUE[:cut])
            if is_reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await all_ended(server, len(DIALOGUE) + 1)
    assert no_noise.messages == []


INSIDE = b"x LOGIN alice secret\r\nx SELECT INBOX\r\nx FETCH 1 (BODY[])\r\nx IDLE\r\n"


async def test_a_client_that_vanishes_inside_tls_leaves_nothing(
    server: MailServer, trusting: ssl.SSLContext, no_noise: pytest.LogCaptureFixture
) -> None:
    server.store.deliver("alice", MAIL * 1000)
    for cut in range(0, len(INSIDE) + 1, 3):
        async with raw_imap(server, trusting) as client:
            client.send(INSIDE[:cut])
            await client.writer.drain()
            client.writer.transport.abort()
    await all_ended(server, len(INSIDE) // 3 + 1)
    server.store.deliver("alice", MAIL)
    assert no_noise.messages == []


async def test_a_client_that_refuses_the_certificate_leaves_nothing(
    server: MailServer, no_noise: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        async with raw_imap(server, ssl.create_default_context()):
            raise AssertionError
    await all_ended(server, 1)
    assert no_noise.messages == []


async def test_a_client_that_ends_its_side_still_has_its_answers(server: MailServer) -> None:
    async with raw_imap(server, None) as client:
        client.send(b"x CAPABILITY\r\ny NOOP\r\n")
        client.writer.write_eof()
        rest = await client.reader.read()
        assert rest.endswith(b"y OK completed\r\n")
