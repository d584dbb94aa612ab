"""The same code on uvloop."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from securemail import (
    Account,
    CertificateError,
    ConnectError,
    Password,
    Service,
    TLSMode,
    TrustStore,
    connect_imap,
    connect_submission,
)
from securemail.testing import CertificateAuthority, MailServer

MESSAGE = b"Subject: hello\r\n\r\n" + b"x" * 5_000_000
LETTER = b"Subject: hello\r\n\r\n" + b".2345678901234567890\r\n" * 200_000


def account(server: MailServer, tls: TLSMode, ca: CertificateAuthority) -> Account:
    return Account(
        "alice@example.org",
        imap=server.endpoint(tls),
        submission=server.endpoint(tls, Service.SUBMISSION),
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(ca.pem),
    )


@pytest.fixture(scope="module", autouse=True)
def _signal_pipe() -> None:
    """Let libuv make the pipe that it keeps as long as the process lives."""
    uvloop.run(asyncio.sleep(0))


async def _use(tls: TLSMode, ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        async with connect_imap(account(server, tls, ca)) as session:
            client = session.client
            await client.select("INBOX")
            assert (await client.append(MESSAGE, "INBOX")).result == "OK"
            answer = await client.fetch("1", "(BODY.PEEK[])")
            assert answer.lines[1] == MESSAGE
            idle = await client.idle_start()
            server.kill()
            with pytest.raises(ConnectError):
                await idle
        with pytest.raises(CertificateError):
            await connect_imap(account(server, tls, CertificateAuthority()))


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
def test_a_session_works_on_uvloop(tls: TLSMode, ca: CertificateAuthority) -> None:
    uvloop.run(_use(tls, ca), debug=True)


async def _submit(tls: TLSMode, ca: CertificateAuthority) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        connect_submission(account(server, tls, ca)) as session,
    ):
        mine = "alice@example.org"
        await session.client.submit(LETTER, sender=mine, recipients=mine)
        (arrived,) = server.store.mailbox("alice").messages.values()
        assert arrived.data == LETTER
        server.kill()
        with pytest.raises(ConnectError):
            await session.client.submit(LETTER, sender=mine, recipients=mine)


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
def test_submission_works_on_uvloop(tls: TLSMode, ca: CertificateAuthority) -> None:
    uvloop.run(_submit(tls, ca), debug=True)
