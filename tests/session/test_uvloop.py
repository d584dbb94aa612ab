"""The same code on uvloop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

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
    connect_pop3,
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


async def _drained(pieces: AsyncIterator[bytes]) -> int:
    return sum([len(piece) async for piece in pieces])


async def _use_pop3(tls: TLSMode, ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        for _ in range(50):
            server.store.deliver("alice", MESSAGE[:20_000])
        server.store.deliver("alice", MESSAGE)
        mine = Account(
            "alice@example.org",
            pop3=server.endpoint(tls, service=Service.POP3),
            credentials=Password("alice", "secret"),
            trust=TrustStore.from_pem(ca.pem),
        )
        async with connect_pop3(mine) as session:
            client = session.client
            many = [message async for message in client.retr_many(range(1, 51))]
            assert many == [MESSAGE[:20_000] + b"\r\n"] * 50
            streamed = b"".join([piece async for piece in client.retr_stream(51)])
            assert streamed == MESSAGE + b"\r\n"
            async with aclosing(client.retr_stream(51)) as pieces:
                await anext(pieces)
                # Not read any more: the line's end is heard of when the program goes on.
                server.kill()
                with pytest.raises(ConnectError):
                    await _drained(pieces)
        async with connect_pop3(mine) as session, aclosing(session.client.retr_stream(51)) as left:
            await anext(left)
            await session.aclose()


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
def test_a_pop3_session_works_on_uvloop(tls: TLSMode, ca: CertificateAuthority) -> None:
    uvloop.run(_use_pop3(tls, ca), debug=True)
