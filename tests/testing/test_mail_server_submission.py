"""The submission service of MailServer, judged by smtplib and by raw octets."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from securemail import Service, TLSMode
from securemail.testing import CertificateAuthority, MailServer, Offer

T = TypeVar("T")

MAIL = b"From: alice@example.org\r\nTo: bob@example.org\r\n\r\n.one\r\n..two\r\n.\r\nthree\r\n"


class Client(smtplib.SMTP):
    """smtplib at the server's address; the name is checked against the server's."""

    def __init__(
        self, server: MailServer, trusting: ssl.SSLContext, tls: TLSMode = TLSMode.IMPLICIT
    ) -> None:
        self._server = server
        self._trusting = trusting
        self._tls = tls
        port = server.endpoint(tls, Service.SUBMISSION).port
        super().__init__(server.host_name, port, local_hostname="[127.0.0.1]", timeout=10)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((self._server.address, port), timeout)
        if self._tls is TLSMode.STARTTLS:
            return sock
        return self._trusting.wrap_socket(sock, server_hostname=host)


@pytest.fixture
async def server(ca: CertificateAuthority) -> AsyncIterator[MailServer]:
    async with MailServer({"alice": "secret", "bob@example.org": "b"}, ca=ca) as running:
        yield running


async def as_alice(
    server: MailServer,
    trusting: ssl.SSLContext,
    work: Callable[[Client], T],
    tls: TLSMode = TLSMode.IMPLICIT,
) -> T:
    def run() -> T:
        with Client(server, trusting, tls) as client:
            if tls is TLSMode.STARTTLS:
                client.starttls(context=trusting)
            client.login("alice", "secret")
            return work(client)

    return await asyncio.to_thread(run)


@contextlib.asynccontextmanager
async def raw(
    server: MailServer, trusting: ssl.SSLContext | None
) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
    """Yield a function that sends octets and returns the last line of the reply."""
    port = server.port("submission", "starttls" if trusting is None else "implicit")
    name = server.host_name if trusting else None
    reader, writer = await asyncio.open_connection(
        server.address, port, ssl=trusting, server_hostname=name
    )

    async def ask(data: bytes) -> bytes:
        writer.write(data)
        line = await reader.readline()
        while line[3:4] == b"-":
            line = await reader.readline()
        return line

    try:
        await ask(b"")
        yield ask
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
async def test_smtplib_submits_and_the_message_is_in_the_inbox(
    server: MailServer, trusting: ssl.SSLContext, tls: TLSMode
) -> None:
    def work(client: Client) -> object:
        return client.sendmail("alice@example.org", ["alice@example.org", "bob@example.org"], MAIL)

    assert await as_alice(server, trusting, work, tls) == {}
    for user in ("alice", "bob@example.org"):
        (message,) = server.store.mailbox(user).messages.values()
        assert message.data == MAIL
    assert server.submitted[0].recipients == ("alice@example.org", "bob@example.org")
    assert server.submitted[0].user == "alice"


async def test_what_goes_elsewhere_is_taken_and_a_stranger_here_is_refused(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> object:
        return client.sendmail("alice@example.org", ["x@elsewhere.net", "x@example.org"], MAIL)

    refused = await as_alice(server, trusting, work)
    assert refused == {"x@example.org": (550, b"5.1.1 no such user here: x@example.org")}
    assert server.submitted[0].recipients == ("x@elsewhere.net",)


async def test_a_message_may_be_a_dot_or_a_blank_line(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        client.sendmail("alice@example.org", "alice@example.org", b"\r\n.\r\n")
        client.sendmail("", "alice@example.org", b"")

    await as_alice(server, trusting, work)
    assert [message.data for message in server.submitted] == [b"\r\n.\r\n", b"\r\n"]


async def test_utf8_addresses_need_smtputf8(server: MailServer, trusting: ssl.SSLContext) -> None:
    def work(client: Client) -> list[int]:
        client.command_encoding = "utf-8"
        first = client.docmd("MAIL", "FROM:<älice@example.org>")[0]
        second = client.docmd("MAIL", "FROM:<älice@example.org> SMTPUTF8")[0]
        return [first, second]

    assert await as_alice(server, trusting, work) == [553, 250]


@pytest.mark.parametrize(
    ("parameter", "extension"),
    [
        ("SIZE=10", "SIZE 1000"),
        ("BODY=8BITMIME", "8BITMIME"),
        ("RET=HDRS", "DSN"),
        ("ENVID=a+2Bb", "DSN"),
        ("REQUIRETLS", "REQUIRETLS"),
    ],
)
async def test_a_parameter_is_known_where_its_extension_is_offered(
    ca: CertificateAuthority, trusting: ssl.SSLContext, parameter: str, extension: str
) -> None:
    def work(client: Client) -> int:
        return client.mail("alice@example.org", [parameter])[0]

    for extensions, code in (((extension,), 250), ((), 555)):
        offer = Offer(extensions=extensions)
        async with MailServer({"alice": "secret"}, ca=ca, offer=offer) as server:
            assert await as_alice(server, trusting, work) == code


async def test_a_message_above_size_is_refused(
    ca: CertificateAuthority, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        client.sendmail("alice@example.org", "alice@example.org", MAIL)

    offer = Offer(extensions=("SIZE 20",))
    async with MailServer({"alice": "secret"}, ca=ca, offer=offer) as server:
        with pytest.raises(smtplib.SMTPSenderRefused, match="20 octets are enough"):
            await as_alice(server, trusting, work)


async def test_8_bits_and_lone_line_ends_are_refused(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw(server, trusting) as ask:
        plain = b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"
        assert (await ask(b"EHLO [127.0.0.1]\r\n")).startswith(b"250 ")
        assert (await ask(plain)).startswith(b"235")
        for body, code in ((b"\xc3\xa4\r\n", b"554"), (b"a\nb\r\n", b"550"), (b"a\rb\r\n", b"550")):
            assert (await ask(b"MAIL FROM:<a@b>\r\n")).startswith(b"250")
            assert (await ask(b"RCPT TO:<alice@example.org>\r\n")).startswith(b"250")
            assert (await ask(b"DATA\r\n")).startswith(b"354")
            assert (await ask(body + b".\r\n")).startswith(code)


async def test_nothing_is_taken_without_tls_and_login(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    async with raw(server, None) as ask:
        assert (await ask(b"STARTTLS\r\n")).startswith(b"503 5.5.1 EHLO first")
        assert (await ask(b"HELO me\r\n")).startswith(b"250")
        assert (await ask(b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n")).startswith(b"538")
        assert (await ask(b"MAIL FROM:<a@b>\r\n")).startswith(b"530")
    async with raw(server, trusting) as ask:
        assert (await ask(b"MAIL FROM:<a@b>\r\n")).startswith(b"530")
        assert (await ask(b"AUTH PLAIN =\r\n")).startswith(b"503")
        assert (await ask(b"NONSENSE\r\n")).startswith(b"500")
        assert (await ask(b"NOOP " + b"x" * 600 + b"\r\n")).startswith(b"500 5.5.6")


async def test_who_is_throttled_is_told_so(server: MailServer, trusting: ssl.SSLContext) -> None:
    server.throttled["alice"] = "later"
    async with raw(server, trusting) as ask:
        assert (await ask(b"EHLO [127.0.0.1]\r\n")).startswith(b"250 ")
        assert await ask(b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n") == b"454 4.7.0 later\r\n"
        assert (await ask(b"MAIL FROM:<a@b>\r\n")).startswith(b"530")
        server.say_goodbye("going down")
        assert await ask(b"NOOP\r\n") == b"421 4.3.2 going down\r\n"


async def test_octets_behind_starttls_are_refused(server: MailServer) -> None:
    async with raw(server, None) as ask:
        assert (await ask(b"HELO me\r\n")).startswith(b"250")
        assert (await ask(b"STARTTLS\r\nNOOP\r\n")).startswith(b"554 5.7.0 6 bytes")
        assert await ask(b"") == b""


async def test_a_wrong_password_is_refused(server: MailServer, trusting: ssl.SSLContext) -> None:
    def run() -> None:
        with Client(server, trusting) as client:
            client.login("alice", "wrong")

    with pytest.raises(smtplib.SMTPAuthenticationError, match=r"5\.7\.8"):
        await asyncio.to_thread(run)
