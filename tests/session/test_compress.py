"""COMPRESS (RFC 4978) and ID (RFC 2971) leave only when the program asks, and after the login."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import (
    PolicyError,
    ProtocolError,
    SecureMailError,
    SecureSession,
    Service,
    TLSMode,
    UsageError,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    StartTLS,
)
from tests.session.scripts import GREETING, HOST, LEAVE, PLAIN, account

OFFER = b"[CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN COMPRESS=DEFLATE ID]"
BEFORE = (
    StartTLS(),
    Send(b"* OK " + OFFER + b" hi\r\n"),
    PLAIN,
    Send(b"{tag} OK " + OFFER + b"\r\n"),
)
COMPRESS = Expect(rb"\w+ COMPRESS DEFLATE")


def lines(server: ScriptedServer) -> list[bytes]:
    """Return what the client said inside TLS, without the tags."""
    return [line.partition(b" ")[2] for line in server.plaintext.splitlines()]


async def test_neither_compress_nor_id_is_said_unasked(ca: CertificateAuthority) -> None:
    async with ScriptedServer((*BEFORE, *LEAVE), context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.IMPLICIT)):
            pass
        await server.finished.wait()
        login, logout = lines(server)
    assert login.startswith(b"AUTHENTICATE PLAIN")
    assert logout == b"LOGOUT"


async def test_compress_is_said_after_the_login_alone(ca: CertificateAuthority) -> None:
    script = (*BEFORE, COMPRESS, Send(b"{tag} NO not today\r\n"), *LEAVE)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.IMPLICIT), compress=True):
            pass
        await server.finished.wait()
        assert [line.split()[0] for line in lines(server)] == [
            b"AUTHENTICATE",
            b"COMPRESS",
            b"LOGOUT",
        ]


async def test_a_server_that_does_not_offer_compress_is_not_asked(
    ca: CertificateAuthority,
) -> None:
    welcome = Send(b"{tag} OK [CAPABILITY IMAP4rev1] welcome\r\n")
    script = (*BEFORE[:-1], welcome, *LEAVE)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.IMPLICIT), compress=True):
            pass
        await server.finished.wait()
        assert b"COMPRESS" not in server.plaintext


@pytest.mark.parametrize("answer", [b"* NO\r\nrubbish\r\n", b"{tag} OK\r\n* 1 EXISTS\r\n"])
async def test_a_server_that_breaks_compress_gives_no_session(
    ca: CertificateAuthority, answer: bytes
) -> None:
    script = (*BEFORE, COMPRESS, Send(answer), Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        alices = account(server, ca, TLSMode.IMPLICIT)
        with pytest.raises(ProtocolError):
            await connect_imap(alices, compress=True)
        await server.finished.wait()


async def test_id_is_said_when_the_program_asks(ca: CertificateAuthority) -> None:
    answer = Send(b'* ID ("name" "Cyrus")\r\n{tag} OK done\r\n')
    script = (*BEFORE, Expect(rb"\w+ ID \(.*\)"), answer, *LEAVE)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session:
            said = await session.client.id(name="bridge")
        await server.finished.wait()
        assert [line.split()[0] for line in lines(server)] == [b"AUTHENTICATE", b"ID", b"LOGOUT"]
    assert said.lines[0] == b'("name" "Cyrus")'


@pytest.mark.parametrize("failure", [PolicyError, UsageError])
async def test_id_cannot_be_said_before_the_gate_is_open_and_the_login_done(
    ca: CertificateAuthority, failure: type[SecureMailError]
) -> None:
    tls = TLSMode.STARTTLS if failure is PolicyError else TLSMode.IMPLICIT
    script: tuple[Any, ...] = (
        (GREETING, Hang()) if failure is PolicyError else (*BEFORE[:2], Hang())
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await SecureSession[Any].open(account(server, ca, tls), Service.IMAP)
        with pytest.raises(failure):
            await session.client.id(name="bridge")
        await session.aclose()
        await server.finished.wait()
        assert b" ID" not in server.cleartext + server.plaintext
