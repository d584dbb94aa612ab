"""APOP: only for who names it, and only with a timestamp from inside TLS (RFC 1939 section 7)."""

from __future__ import annotations

import hashlib

import pytest

from securemail import (
    Account,
    AuthenticationError,
    Password,
    SecureMailError,
    Service,
    TLSMode,
    TrustStore,
    connect_pop3,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    MailServer,
    Offer,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.pop3_scripts import (
    BEGIN,
    CAPA,
    GREETING,
    LISTED,
    STLS,
    WELCOME,
    account,
    refused,
)
from tests.session.scripts import HOST

TIMESTAMP = b"<1896.697170952@mail.example.org>"
DIGEST = hashlib.md5(TIMESTAMP + b"secret", usedforsecurity=False).hexdigest().encode()
APOP = Expect(rb"APOP alice " + DIGEST)
NAMED = Password("alice", "secret", mechanisms=["APOP", "PLAIN"])
ALONE = Password("alice", "secret", mechanisms=["APOP"])


async def test_who_names_apop_logs_in_by_the_digest(ca: CertificateAuthority) -> None:
    script = (StartTLS(), GREETING, CAPA, LISTED, APOP, WELCOME, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, credentials=NAMED)
        async with connect_pop3(mine) as session:
            assert session.authenticated_by == "APOP"
        await server.finished.wait()
    assert server.problem is None
    assert b"secret" not in server.plaintext


async def test_a_timestamp_from_before_tls_is_not_answered(ca: CertificateAuthority) -> None:
    script = (GREETING, STLS, BEGIN, StartTLS(), CAPA, LISTED, Expect(rb".*"))
    error, server = await refused(script, ca, credentials=ALONE)
    assert isinstance(error, AuthenticationError)
    assert [str(attempt) for attempt in error.attempts] == ["APOP: not offered by the server"]
    assert server.plaintext == b"CAPA\r\n"


@pytest.mark.parametrize(
    "timestamp",
    [
        b"",
        b"<>",
        b"<a b@c>",
        b"<\xd1\xef\x80@c>",
        b"<a@b@c>",
        b"<a@b> <c@d>",
        b"<@b>",
        b"<a@",
    ],
)
async def test_a_timestamp_that_is_no_message_id_is_not_answered(
    timestamp: bytes, ca: CertificateAuthority
) -> None:
    greeting = Send(b"+OK hi " + timestamp + b"\r\n")
    script = (StartTLS(), greeting, CAPA, LISTED, Expect(rb".*"))
    error, server = await refused(script, ca, tls=TLSMode.IMPLICIT, credentials=ALONE)
    assert isinstance(error, AuthenticationError)
    assert server.plaintext == b"CAPA\r\n"


async def test_a_digest_that_was_refused_is_not_followed_by_the_password_and_shows_nowhere(
    ca: CertificateAuthority,
) -> None:
    no = Send(b"-ERR [AUTH] APOP alice " + DIGEST + b" is wrong\r\n")
    script = (StartTLS(), GREETING, CAPA, LISTED, APOP, no, Expect(rb".*"))
    error, server = await refused(script, ca, tls=TLSMode.IMPLICIT, credentials=NAMED)
    assert isinstance(error, AuthenticationError)
    assert [attempt.mechanism for attempt in error.attempts] == ["APOP", "PLAIN"]
    assert "has compared the password" in error.attempts[1].answer
    assert DIGEST.decode() not in str(error)
    assert server.plaintext.count(b"\r\n") == 2


@pytest.mark.parametrize(
    "reply", [b"+ PDE+\r\n", b"+OK in\r\n+OK in\r\n", b"yes\r\n", b"+OK " + b"x" * 20_000]
)
async def test_an_answer_to_apop_that_is_none_is_the_servers_fault(
    reply: bytes, ca: CertificateAuthority
) -> None:
    script: tuple[Step, ...] = (StartTLS(), GREETING, CAPA, LISTED, APOP, Send(reply), Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, credentials=ALONE)
        with pytest.raises(SecureMailError):
            async with connect_pop3(mine) as session:
                await session.client.stat()


async def test_the_embedded_server_takes_the_digest() -> None:
    async with MailServer({"alice": "secret"}, offer=Offer(apop=True)) as server:
        mine = Account(
            "alice@example.org",
            pop3=server.endpoint(TLSMode.IMPLICIT, Service.POP3),
            credentials=ALONE,
            trust=TrustStore.from_pem(server.ca.pem),
        )
        async with connect_pop3(mine) as session:
            assert session.authenticated_by == "APOP"
