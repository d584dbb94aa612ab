"""What a session costs in octets and connections: exact counts, on the embedded server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from securemail import Account, Password, SecureSession, Service, TLSMode, TrustStore
from securemail.pool import PoolLimits, SessionPool
from securemail.testing import CertificateAuthority, MailServer
from securemail.testing.connection import Connection
from securemail.watching import Connected, MailboxChanged, watch
from tests.watching.worlds import SOON, until

IMPLICIT, STARTTLS = TLSMode.IMPLICIT, TLSMode.STARTTLS
PLAIN: Final = "AUTH PLAIN AGFsaWNlAHNlY3JldA=="
EHLO: Final = "EHLO [127.0.0.1]"
# IMAP's tags are the same for no two sessions, and of the same length in each.
TAG: Final = re.compile(r"^[0-9A-F]{8}\d ", re.MULTILINE)

# The lines that a client sends until it is ready, and their octets, TLS not counted.
SENT: Final = {
    (Service.IMAP, IMPLICIT): (51, "AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="),
    (Service.IMAP, STARTTLS): (93, "STARTTLS|CAPABILITY|AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=="),
    (Service.POP3, IMPLICIT): (39, f"CAPA|{PLAIN}"),
    (Service.POP3, STARTTLS): (45, f"STLS|CAPA|{PLAIN}"),
    (Service.SUBMISSION, IMPLICIT): (51, f"{EHLO}|{PLAIN}"),
    (Service.SUBMISSION, STARTTLS): (79, f"{EHLO}|STARTTLS|{EHLO}|{PLAIN}"),
}
WAYS: Final = pytest.mark.parametrize(
    ("service", "tls"), SENT, ids=[f"{service.name}-{tls.name}".lower() for service, tls in SENT]
)


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
async def server(ca: CertificateAuthority) -> AsyncIterator[MailServer]:
    async with MailServer({"alice": "secret"}, ca=ca) as running:
        yield running


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> bytearray:
    """What the server hears, TLS taken off."""
    octets = bytearray()
    take = Connection.data_received

    def and_keep(self: Connection, data: bytes) -> None:
        waiting = self.buffered
        take(self, data)
        octets.extend(self._buffer[waiting:])

    monkeypatch.setattr(Connection, "data_received", and_keep)
    return octets


def account(server: MailServer, service: Service, tls: TLSMode = IMPLICIT) -> Account:
    there: dict[str, Any] = {service.name.lower(): server.endpoint(tls, service)}
    return Account(
        "alice@example.org",
        credentials=Password("alice", "secret", mechanisms=["PLAIN"]),
        trust=TrustStore.from_pem(server.ca.pem),
        **there,
    )


@WAYS
async def test_not_an_octet_is_sent_that_is_not_needed_to_be_ready(
    server: MailServer, heard: bytearray, service: Service, tls: TLSMode
) -> None:
    mine = account(server, service, tls)
    for _ in ("the first time", "again"):
        heard.clear()
        async with await SecureSession.connect(mine, service):
            size, lines = SENT[service, tls]
            sent = heard.decode()
        assert TAG.sub("", sent) == "".join(f"{line}\r\n" for line in lines.split("|"))
        assert len(sent) == size
        await server.wait_quiet()


async def use(session: SecureSession[Any], service: Service) -> None:
    match service:
        case Service.IMAP:
            await session.client.list('""', "*")
        case Service.POP3:
            await session.client.list()
        case Service.SUBMISSION:
            await session.client.noop()


@WAYS
async def test_a_session_from_the_login_to_the_farewell_is_one_connection(
    server: MailServer, service: Service, tls: TLSMode
) -> None:
    async with await SecureSession.connect(account(server, service, tls), service) as session:
        await use(session, service)
    assert server.accepted == 1
    await server.wait_quiet()


# A pool keeps no POP3 session: its maildrop would be locked meanwhile.
@pytest.mark.parametrize("service", [Service.IMAP, Service.SUBMISSION], ids=["imap", "submission"])
async def test_a_hundred_commands_through_a_pool_are_one_connection(
    server: MailServer, service: Service
) -> None:
    mine = account(server, service)
    async with SessionPool(PoolLimits(maximum=8)) as pool:
        for _ in range(100):
            async with pool.session(mine, service) as session:
                await use(session, service)
    assert server.accepted == 1
    await server.wait_quiet()


async def test_a_watch_is_one_connection_however_much_it_tells(server: MailServer) -> None:
    async with watch(account(server, Service.IMAP), rhythm=SOON) as events:
        await until(events, Connected)
        for _ in range(20):
            server.store.deliver("alice", b"Subject: news\r\n\r\n")
            await until(events, MailboxChanged)
    assert server.accepted == 1
    await server.wait_quiet()
