"""Capabilities, STARTTLS and logins of the MailServer."""

from __future__ import annotations

import asyncio
import base64
import imaplib
import ssl
from pathlib import Path

import pytest

from securemail.testing.ca import CertificateAuthority
from securemail.testing.server import MailServer, Offer
from tests.testing.clients import raw_imap

PLAIN = base64.b64encode(b"\0alice\0secret")
FAILED = b"x NO [AUTHENTICATIONFAILED] wrong credentials"


def with_certificate(
    trusting: ssl.SSLContext, ca: CertificateAuthority, name: str, folder: Path
) -> ssl.SSLContext:
    pem = folder / "client.pem"
    pem.write_bytes(ca.client_pem(name))
    trusting.load_cert_chain(pem)
    return trusting


async def greeting_inside_tls(server: MailServer, trusting: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection(
        server.address, server.port(), ssl=trusting, server_hostname=server.host_name
    )
    try:
        return await reader.readuntil(b"\r\n")
    finally:
        writer.transport.abort()


async def test_in_cleartext_only_starttls_is_offered(server: MailServer) -> None:
    async with raw_imap(server, None) as client:
        lines = await client.ask(b"CAPABILITY")
        assert lines[0] == b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"


async def test_inside_tls_logins_are_offered_and_no_starttls(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        lines = await client.ask(b"CAPABILITY")
        assert lines[0] == b"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=EXTERNAL SASL-IR"
        assert (await client.ask(b"STARTTLS"))[-1] == b"x BAD TLS is up already"


async def test_the_greeting_has_the_capabilities(server: MailServer) -> None:
    port = server.port("imap", "starttls")
    reader, writer = await asyncio.open_connection(server.address, port)
    greeting = await reader.readline()
    assert greeting == (
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] mail.example.org ready\r\n"
    )
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "command", [b"LOGIN alice secret", b"AUTHENTICATE PLAIN " + PLAIN, b"AUTHENTICATE EXTERNAL ="]
)
async def test_nobody_logs_in_without_tls(server: MailServer, command: bytes) -> None:
    async with raw_imap(server, None) as client:
        refused = await client.ask(command)
        assert refused[-1] == b"x NO [PRIVACYREQUIRED] not without TLS"
        assert (await client.ask(b"SELECT INBOX"))[-1].startswith(b"x BAD")


async def test_starttls_and_login_work_for_imaplib(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work() -> None:
        with imaplib.IMAP4(server.address, server.port("imap", "starttls")) as client:
            client.host = server.host_name
            assert "LOGINDISABLED" in client.capabilities
            assert client.starttls(trusting)[0] == "OK"
            assert "LOGINDISABLED" not in client.capabilities
            assert client.login("alice", "secret")[0] == "OK"
            assert client.select()[0] == "OK"

    await asyncio.to_thread(work)


async def test_bytes_behind_starttls_are_refused_and_the_connection_ends(
    server: MailServer,
) -> None:
    async with raw_imap(server, None) as client:
        client.send(b"x STARTTLS\r\ny LOGIN mallory x\r\n")
        assert await client.reader.read() == b"x BAD 19 bytes follow STARTTLS\r\n"


async def test_bytes_that_come_after_the_upgrade_are_no_command(server: MailServer) -> None:
    async with raw_imap(server, None) as client:
        assert (await client.ask(b"STARTTLS"))[-1] == b"x OK begin TLS now"
        client.send(b"y NOOP\r\n")
        answer = await client.reader.read()
        assert b"y " not in answer
        assert answer[:1] in (b"", b"\x15")  # nothing, or a TLS alert


async def test_plain_works_for_imaplib_without_initial_response(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        assert await client.ask(b"AUTHENTICATE PLAIN") == [b"+ "]
        client.send(PLAIN + b"\r\n")
        (done,) = await client.answer()
        assert done == b"x OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE UNSELECT NOTIFY] logged in"


async def test_plain_works_with_an_initial_response(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        assert (await client.ask(b"AUTHENTICATE PLAIN " + PLAIN))[-1].startswith(b"x OK")


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (b"*", b"x BAD AUTHENTICATE cancelled"),
        (b"!", b"x BAD a response that is not base64"),
        (b"", b"x BAD PLAIN needs three parts"),
        (base64.b64encode(b"\0alice\0wrong"), FAILED),
        (base64.b64encode(b"\0nobody\0secret"), FAILED),
        (base64.b64encode(b"\0\xff\0secret"), FAILED),
        (
            base64.b64encode(b"bob\0alice\0secret"),
            b"x NO [AUTHORIZATIONFAILED] nobody acts for another user here",
        ),
    ],
)
async def test_plain_refuses_everything_else(
    server: MailServer, trusting: ssl.SSLContext, response: bytes, answer: bytes
) -> None:
    async with raw_imap(server, trusting) as client:
        await client.ask(b"AUTHENTICATE PLAIN")
        client.send(response + b"\r\n")
        assert await client.answer() == [answer]
        assert (await client.ask(b"LOGIN alice secret"))[-1].startswith(b"x OK")


async def test_login_takes_quoted_strings_and_literals(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    async with (
        MailServer({'al"ice': "pass word"}, ca=ca) as server,
        raw_imap(server, trusting) as client,
    ):
        assert await client.ask(b'LOGIN "al\\"ice" {9}') == [b"+ go ahead"]
        client.send(b"pass word\r\n")
        assert (await client.answer())[-1].startswith(b"x OK")


async def test_a_wrong_password_is_refused(server: MailServer, trusting: ssl.SSLContext) -> None:
    async with raw_imap(server, trusting) as client:
        assert (await client.ask(b"LOGIN alice wrong"))[-1] == FAILED


@pytest.mark.parametrize("command", [b"EXTERNAL =", b"EXTERNAL " + base64.b64encode(b"alice")])
async def test_external_is_the_user_of_the_certificate(
    server: MailServer,
    ca: CertificateAuthority,
    trusting: ssl.SSLContext,
    tmp_path: Path,
    command: bytes,
) -> None:
    certified = with_certificate(trusting, ca, "alice", tmp_path)
    async with raw_imap(server, certified) as client:
        assert (await client.ask(b"AUTHENTICATE " + command))[-1].startswith(b"x OK")
        assert (await client.ask(b"SELECT INBOX"))[-1].startswith(b"x OK")


async def test_external_works_for_imaplib_behind_starttls(
    server: MailServer, ca: CertificateAuthority, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    certified = with_certificate(trusting, ca, "alice", tmp_path)

    def work() -> None:
        with imaplib.IMAP4(server.address, server.port("imap", "starttls")) as client:
            client.host = server.host_name
            client.starttls(certified)
            assert client.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"

    await asyncio.to_thread(work)


async def test_external_for_another_user_is_refused(
    server: MailServer, ca: CertificateAuthority, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    certified = with_certificate(trusting, ca, "alice", tmp_path)
    async with raw_imap(server, certified) as client:
        refused = await client.ask(b"AUTHENTICATE EXTERNAL " + base64.b64encode(b"bob"))
        assert refused[-1].startswith(b"x NO [AUTHORIZATIONFAILED]")


async def test_external_without_a_certificate_is_refused(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw_imap(server, trusting) as client:
        refused = await client.ask(b"AUTHENTICATE EXTERNAL =")
        assert refused[-1].startswith(b"x NO [AUTHENTICATIONFAILED]")


async def test_external_with_the_certificate_of_a_stranger_is_refused(
    server: MailServer, ca: CertificateAuthority, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    certified = with_certificate(trusting, ca, "mallory", tmp_path)
    async with raw_imap(server, certified) as client:
        refused = await client.ask(b"AUTHENTICATE EXTERNAL =")
        assert refused[-1].startswith(b"x NO [AUTHENTICATIONFAILED]")


async def test_a_client_certificate_of_another_authority_ends_the_handshake(
    server: MailServer, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    certified = with_certificate(trusting, CertificateAuthority(), "alice", tmp_path)
    # TLS 1.3 tells the client only after its own side of the handshake is done.
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        await greeting_inside_tls(server, certified)


async def test_without_client_certificates_external_is_not_offered(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca, client_certificates=False) as server,
        raw_imap(server, trusting) as client,
    ):
        assert b"EXTERNAL" not in (await client.ask(b"CAPABILITY"))[0]
        refused = await client.ask(b"AUTHENTICATE EXTERNAL =")
        assert refused[-1].startswith(b"x NO [CANNOT]")


async def test_an_offer_can_leave_out_everything(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    offer = Offer(mechanisms=(), login=False, sasl_ir=False, greeting_capabilities=False)
    async with (
        MailServer({"alice": "secret"}, ca=ca, offer=offer) as server,
        raw_imap(server, trusting) as client,
    ):
        lines = await client.ask(b"CAPABILITY")
        assert lines[0] == b"* CAPABILITY IMAP4rev1 LOGINDISABLED"
        refused = await client.ask(b"LOGIN alice secret")
        assert refused == [b"x NO [CANNOT] LOGIN is not offered"]
        refused = await client.ask(b"AUTHENTICATE PLAIN " + PLAIN)
        assert refused == [b"x BAD an initial response without SASL-IR"]


async def test_an_offer_bounds_the_version_and_replaces_the_certificate(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    certificate = ca.issue("other.example.org")
    offer = Offer(certificate=certificate, maximum_version=ssl.TLSVersion.TLSv1_2)
    async with MailServer({}, ca=ca, offer=offer) as server:
        reader, writer = await asyncio.open_connection(
            server.address, server.port(), ssl=trusting, server_hostname="other.example.org"
        )
        tls = writer.get_extra_info("ssl_object")
        assert (tls.version(), tls.getpeercert(binary_form=True)) == ("TLSv1.2", certificate.der)
        assert await reader.readline()
        writer.close()
        await writer.wait_closed()
