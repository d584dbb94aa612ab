"""ScriptedServer inside TLS: each step does what it says, as stdlib clients see it."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from securemail.testing.ca import CertificateAuthority
from securemail.testing.scripted import ScriptedServer
from securemail.testing.steps import (
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    Repeat,
    Send,
    SendRaw,
    SendSlowly,
    StartTLS,
    Step,
)
from tests.testing.clients import HOST, Connect


async def test_a_client_hello_where_a_line_was_expected_is_the_problem(
    trusting: ssl.SSLContext,
) -> None:
    async with ScriptedServer([Expect(rb"a NOOP")]) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(server.address, server.port, ssl=trusting)
        await server.finished.wait()
        assert "began TLS" in (server.problem or "")
        assert server.cleartext == b""


async def test_implicit_tls_is_a_script_that_begins_with_the_handshake(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    script: list[Step] = [StartTLS(), Send(b"* OK\r\n"), Expect(rb"a NOOP"), Close()]
    async with ScriptedServer(script, context=context) as server:
        reader, writer = await asyncio.open_connection(
            server.address, server.port, ssl=trusting, server_hostname=HOST
        )
        assert await reader.readline() == b"* OK\r\n"
        writer.write(b"a NOOP\r\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        await server.finished.wait()
        assert server.problem is None
        assert server.cleartext == b""
        assert server.plaintext == b"a NOOP\r\n"
        assert server.client_certificate is None
        assert b"NOOP" not in server.raw


async def test_a_starttls_dialogue_keeps_cleartext_and_plaintext_apart(
    context: ssl.SSLContext, trusting: ssl.SSLContext, connect: Connect
) -> None:
    script: list[Step] = [
        Expect(rb"\S+ STARTTLS"),
        Send(b"{tag} OK\r\n"),
        StartTLS(),
        Expect(rb"b NOOP"),
    ]
    async with ScriptedServer(script, context=context) as server:
        client = await connect(server)
        await client.send(b"a STARTTLS\r\n")
        assert await client.recv() == b"a OK\r\n"
        client.sock.setblocking(True)
        await asyncio.to_thread(_noop_inside_tls, client.sock, trusting)
        await server.finished.wait()
        assert server.problem is None
        assert server.cleartext == b"a STARTTLS\r\n"
        assert server.plaintext == b"b NOOP\r\n"


def _noop_inside_tls(sock: socket.socket, trusting: ssl.SSLContext) -> None:
    with trusting.wrap_socket(sock, server_hostname=HOST) as tls:
        tls.sendall(b"b NOOP\r\n")
        assert tls.recv(10) == b""


def _read_all(server: ScriptedServer, trusting: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((server.address, server.port)) as sock,
        trusting.wrap_socket(sock, server_hostname=HOST, suppress_ragged_eofs=False) as tls,
    ):
        received = bytearray()
        while chunk := tls.recv(65536):
            received += chunk
        return bytes(received)


async def test_close_inside_tls_sends_the_alert(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with ScriptedServer([StartTLS(), Send(b"* BYE\r\n"), Close()], context=context) as server:
        assert await asyncio.to_thread(_read_all, server, trusting) == b"* BYE\r\n"


async def test_close_without_alert_is_a_truncation(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    script: list[Step] = [StartTLS(), Send(b"* BYE\r\n"), CloseWithoutAlert()]
    async with ScriptedServer(script, context=context) as server:
        with pytest.raises(ssl.SSLError, match=r"(?i)eof"):
            await asyncio.to_thread(_read_all, server, trusting)


async def test_raw_octets_inside_tls_are_no_record(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    script: list[Step] = [StartTLS(), SendRaw(b"* OK cleartext\r\n"), Hang()]
    async with ScriptedServer(script, context=context) as server:
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(_read_all, server, trusting)
        await server.finished.wait()


async def test_a_flood_inside_tls_arrives_whole(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    script: list[Step] = [StartTLS(), Repeat(b"* 1 EXISTS\r\n", 20_001), SendSlowly(b"end")]
    async with ScriptedServer(script, context=context) as server:
        received = await asyncio.to_thread(_read_all, server, trusting)
        assert received == b"* 1 EXISTS\r\n" * 20_001 + b"end"


async def test_the_client_certificate_of_the_handshake_is_kept(
    ca: CertificateAuthority, context: ssl.SSLContext, trusting: ssl.SSLContext, tmp_path: object
) -> None:
    certificate = ca.issue(common_name="alice")
    pem = f"{tmp_path}/alice.pem"
    with open(pem, "wb") as file:  # noqa: ASYNC230, PTH123 - a small file of its own
        file.write(certificate.pem)
    trusting.load_cert_chain(pem)
    async with ScriptedServer([StartTLS(), Close()], context=context) as server:
        assert await asyncio.to_thread(_read_all, server, trusting) == b""
        await server.finished.wait()
        assert server.client_certificate == certificate.der
        assert server.problem is None


async def test_a_client_that_refuses_our_certificate_is_the_problem(
    context: ssl.SSLContext,
) -> None:
    async with ScriptedServer([StartTLS()], context=context) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(_read_all, server, ssl.create_default_context())
        await server.finished.wait()
        assert "alert unknown ca" in (server.problem or "")
        assert server.cleartext == b""


async def test_a_client_without_tls_is_the_problem_of_the_handshake(
    context: ssl.SSLContext, connect: Connect
) -> None:
    async with ScriptedServer([StartTLS()], context=context) as server:
        client = await connect(server)
        await client.send(b"a1 CAPABILITY\r\n")
        await client.recv()
        await client.leave()
        assert (server.problem or "").startswith("TLS handshake: ")
        assert server.cleartext == b"a1 CAPABILITY\r\n"
