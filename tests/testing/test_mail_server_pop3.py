"""The POP3 side of the MailServer, judged by poplib."""

from __future__ import annotations

import asyncio
import base64
import poplib
import socket
import ssl
from collections.abc import Callable
from typing import Self, TypeVar

import pytest

from securemail.account import Service, TLSMode
from securemail.testing.ca import CertificateAuthority
from securemail.testing.server import MailServer, Offer, TLSName

T = TypeVar("T")
TIMEOUT_S = 10
MAIL = b"Subject: dots\r\n\r\n.\r\n..two\r\n.one\r\na.b\r\nl\xe4tin\r\n"


class Client(poplib.POP3):
    """poplib at the server's address, whatever the name in its certificate."""

    def __init__(self, server: MailServer, tls: TLSName, trusting: ssl.SSLContext) -> None:
        self._server = server
        self._trusting = trusting if tls == "implicit" else None
        super().__init__(server.host_name, server.port("pop3", tls), timeout=TIMEOUT_S)
        if tls == "starttls":
            self.stls(trusting)

    def _create_socket(self, timeout: float) -> socket.socket:
        sock = socket.create_connection((self._server.address, self.port), timeout)
        if self._trusting is None:
            return sock
        return self._trusting.wrap_socket(sock, server_hostname=self.host)

    def ask(self, line: str) -> bytes:
        answer: bytes = self._shortcmd(line)  # type: ignore[attr-defined]  # missing in typeshed
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def using(
    server: MailServer,
    trusting: ssl.SSLContext,
    work: Callable[[Client], T],
    *,
    tls: TLSName = "implicit",
) -> T:
    """Do the work in a thread, and close without QUIT."""

    def run() -> T:
        with Client(server, tls, trusting) as client:
            return work(client)

    done = await asyncio.to_thread(run)
    await server.wait_quiet()
    return done


async def as_alice(server: MailServer, trusting: ssl.SSLContext, work: Callable[[Client], T]) -> T:
    def run(client: Client) -> T:
        client.user("alice")
        client.pass_("secret")
        return work(client)

    return await using(server, trusting, run)


async def test_who_is_throttled_is_told_so(server: MailServer, trusting: ssl.SSLContext) -> None:
    server.throttled["alice"] = "[SYS/TEMP] later"

    def work(client: Client) -> None:
        client.user("alice")
        with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
            client.pass_("secret")

    await using(server, trusting, work)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_poplib_logs_in(server: MailServer, trusting: ssl.SSLContext, tls: TLSName) -> None:
    def work(client: Client) -> dict[str, list[str]]:
        client.user("alice")
        client.pass_("secret")
        assert client.stat() == (0, 0)
        return client.capa()

    capabilities = await using(server, trusting, work, tls=tls)
    assert capabilities["SASL"] == ["PLAIN", "EXTERNAL"]
    assert "STLS" not in capabilities


async def test_poplib_logs_in_by_apop(trusting: ssl.SSLContext, ca: CertificateAuthority) -> None:
    def work(client: Client) -> None:
        with pytest.raises(poplib.error_proto, match="AUTH"):
            client.apop("alice", "wrong")
        client.apop("alice", "secret")
        assert client.stat() == (0, 0)

    async with MailServer({"alice": "secret"}, ca=ca, offer=Offer(apop=True)) as server:
        await using(server, trusting, work)


async def test_the_two_ways_of_auth_plain(server: MailServer, trusting: ssl.SSLContext) -> None:
    response = base64.b64encode(b"\0alice\0secret").decode()
    first = lambda client: client.ask(f"AUTH PLAIN {response}")  # noqa: E731 - two of a kind
    assert (await using(server, trusting, first)).startswith(b"+OK")

    def work(client: Client) -> bytes:
        client._putcmd("AUTH PLAIN")  # type: ignore[attr-defined]  # missing in typeshed
        assert client._getline()[0] == b"+ "  # type: ignore[attr-defined]  # as above
        return client.ask(response)

    assert (await using(server, trusting, work)).startswith(b"+OK")


async def test_a_wrong_password_is_refused_with_its_code(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        client.user("alice")
        with pytest.raises(poplib.error_proto, match="AUTH"):
            client.pass_("wrong")

    await using(server, trusting, work)


async def test_a_mailbox_is_listed_and_retrieved_octet_by_octet(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    server.store.deliver("alice", MAIL)
    server.store.deliver("alice", b"no header, no end")

    def work(client: Client) -> None:
        assert client.stat() == (2, len(MAIL) + 17)
        assert client.list()[1] == [b"1 %d" % len(MAIL), b"2 17"]
        assert client.ask("LIST 2") == b"+OK 2 17"
        assert client.uidl()[1] == [b"1 1.1", b"2 1.2"]
        assert client.uidl(2) == b"+OK 2 1.2"
        assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == MAIL
        assert client.retr(2)[1] == [b"no header, no end"]
        assert client.top(1, 2)[1] == [b"Subject: dots", b"", b".", b"..two"]

    await as_alice(server, trusting, work)


async def test_only_quit_deletes(server: MailServer, trusting: ssl.SSLContext) -> None:
    for number in range(3):
        server.store.deliver("alice", b"Subject: %d\r\n\r\n" % number)

    def mark(client: Client) -> None:
        client.dele(1)
        client.dele(3)
        with pytest.raises(poplib.error_proto):
            client.retr(1)
        assert client.stat()[0] == 1

    def unmark(client: Client) -> None:
        mark(client)
        client.rset()
        assert client.stat()[0] == 3
        client.quit()

    def delete(client: Client) -> None:
        mark(client)
        client.quit()

    for work, left in ((mark, 3), (unmark, 3), (delete, 1)):
        await as_alice(server, trusting, work)
        assert len(server.store.mailbox("alice").messages) == left


async def test_a_mailbox_is_open_to_one_session_at_a_time(
    server: MailServer, trusting: ssl.SSLContext
) -> None:
    def work(client: Client) -> None:
        with Client(server, "implicit", trusting) as other:
            other.user("alice")
            with pytest.raises(poplib.error_proto, match="IN-USE"):
                other.pass_("secret")

    await as_alice(server, trusting, work)
    await as_alice(server, trusting, lambda client: client.noop())


async def test_commands_may_be_pipelined(server: MailServer, trusting: ssl.SSLContext) -> None:
    server.store.deliver("alice", b"a\r\n")

    def work(client: Client) -> bytes:
        client.sock.sendall(b"NOOP\r\nRETR 1\r\nDELE 1\r\nRETR 1\r\nQUIT\r\n")
        return client.file.read()

    answers = await as_alice(server, trusting, work)
    assert answers.splitlines()[:4] == [b"+OK still here", b"+OK 3 octets", b"a", b"."]
    assert [line[:3] for line in answers.splitlines()[4:]] == [b"+OK", b"-ER", b"+OK"]


async def test_nobody_logs_in_without_tls(server: MailServer) -> None:
    reader, writer = await asyncio.open_connection(server.address, server.port("pop3", "starttls"))
    writer.write(b"CAPA\r\nUSER alice\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\nSTAT\r\nQUIT\r\n")
    said = (await reader.read()).splitlines()
    writer.close()
    await writer.wait_closed()
    assert b"STLS" in said
    assert not [line for line in said if line.startswith((b"SASL", b"USER"))]
    assert [line[:4] for line in said[-4:]] == [b"-ERR", b"-ERR", b"-ERR", b"+OK "]


async def test_bytes_behind_stls_end_the_connection(server: MailServer) -> None:
    reader, writer = await asyncio.open_connection(server.address, server.port("pop3", "starttls"))
    writer.write(b"STLS\r\nCAPA\r\n")
    said = (await reader.read()).splitlines()
    writer.close()
    await writer.wait_closed()
    assert said[1:] == [b"-ERR 6 bytes follow STLS"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"NONSENSE",
        b"RETR 1",
        b"CAPA x",
        b"STAT",
        b"PASS x",
        b"AUTH X",
        b"AUTH PLAIN !",
        b"\xff",
    ],
)
async def test_what_is_no_command_is_refused_and_the_session_goes_on(
    server: MailServer, trusting: ssl.SSLContext, line: bytes
) -> None:
    def work(client: Client) -> bytes:
        client.sock.sendall(line + b"\r\nQUIT\r\n")
        return client.file.read()

    said = (await using(server, trusting, work)).splitlines()
    assert [reply[:4] for reply in said] == [b"-ERR", b"+OK "]


@pytest.mark.parametrize("line", [b"x" * 20_000, b"NOOP\n"])
async def test_what_is_no_line_ends_the_session(
    server: MailServer, trusting: ssl.SSLContext, line: bytes
) -> None:
    def work(client: Client) -> bytes:
        client.sock.sendall(line)
        return client.file.read()

    assert (await using(server, trusting, work)).startswith(b"-ERR a line")


async def test_an_endpoint_is_one_of_imap_unless_another_service_is_named(
    server: MailServer,
) -> None:
    assert server.endpoint(TLSMode.IMPLICIT).port == server.port("imap", "implicit")
    pop3 = server.endpoint(TLSMode.STARTTLS, service=Service.POP3)
    assert pop3.port == server.port("pop3", "starttls")
