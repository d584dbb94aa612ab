"""UTF-8 mode of POP3: what is asked, when, and what a server's answer leads to (RFC 6856)."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    CommandError,
    ConnectError,
    Password,
    PolicyError,
    ProtocolError,
    ResponseCode,
    SecureMailError,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
    UsageError,
    connect_pop3,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    MailServer,
    Offer,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session import scripts
from tests.session.pop3_scripts import (
    BEGIN,
    CAPA,
    GREETING,
    PLAIN,
    STLS,
    WELCOME,
    account,
    listed,
    refused,
)
from tests.session.scripts import HOST

INSIDE = (StartTLS(), GREETING, CAPA)
OFFERED = listed(b"SASL PLAIN", b"UTF8")
UTF8 = Expect(rb"UTF8")
OK = Send(b"+OK\r\n")

# What the server says: (the dialogue after CAPA, whether the session is in UTF-8 mode then)
ANSWERS: dict[str, tuple[tuple[Step, ...], bool]] = {
    "agrees": ((OFFERED, UTF8, OK, PLAIN, WELCOME), True),
    "refuses": ((OFFERED, UTF8, Send(b"-ERR [SYS/PERM] no\r\n"), PLAIN, WELCOME), False),
    "does not offer it": ((listed(b"SASL PLAIN"), PLAIN, WELCOME), False),
    "does not know CAPA": (
        (Send(b"-ERR what?\r\n"), Expect(rb"USER alice"), OK, Expect(rb"PASS secret"), WELCOME),
        False,
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_utf8_is_asked_for_before_the_login_and_the_client_knows_the_answer(
    name: str, ca: CertificateAuthority
) -> None:
    steps, is_utf8 = ANSWERS[name]
    async with ScriptedServer((*INSIDE, *steps, Hang()), context=ca.server_context(HOST)) as server:
        async with connect_pop3(account(server, ca, TLSMode.IMPLICIT), utf8=True) as session:
            assert session.client.is_utf8 is is_utf8
        await server.finished.wait()
    assert server.problem is None


async def test_utf8_is_not_asked_for_unless_the_program_does(ca: CertificateAuthority) -> None:
    script = (*INSIDE, OFFERED, PLAIN, WELCOME, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_pop3(account(server, ca, TLSMode.IMPLICIT)) as session:
            assert not session.client.is_utf8
        await server.finished.wait()
    assert server.problem is None


async def test_step_by_step_utf8_goes_with_the_login_and_only_inside_tls(
    ca: CertificateAuthority,
) -> None:
    script = (GREETING, STLS, BEGIN, StartTLS(), CAPA, OFFERED, UTF8, OK, PLAIN, WELCOME, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.STARTTLS)
        session = await SecureSession.open(mine, Service.POP3)
        with pytest.raises(PolicyError):
            await session.authenticate(utf8=True)
        await session.starttls()
        await session.authenticate(utf8=True)
        assert session.client.is_utf8
        await session.aclose()
        await server.finished.wait()
    assert server.problem is None
    assert server.cleartext == b"STLS\r\n"


async def test_other_protocols_have_no_such_mode_and_nothing_is_sent(
    ca: CertificateAuthority,
) -> None:
    script = (StartTLS(), scripts.TLS_GREETING, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = scripts.account(server, ca, TLSMode.IMPLICIT)
        with pytest.raises(UsageError, match="POP3 alone"):
            await SecureSession.connect(mine, Service.IMAP, utf8=True)
        await server.finished.wait()
    assert server.plaintext == b""


# The dialogue after CAPA, and the error.
TROUBLE: dict[str, tuple[tuple[Step, ...], type[SecureMailError]]] = {
    "a reply before the command": ((Send(OFFERED.data + b"+OK\r\n"), Hang()), ProtocolError),
    "a reply to the login, too": (
        (OFFERED, UTF8, Send(b"+OK\r\n+OK logged in\r\n"), Hang()),
        ProtocolError,
    ),
    "a challenge": ((OFFERED, UTF8, Send(b"+ \r\n"), Hang()), ProtocolError),
    "no reply at all": ((OFFERED, UTF8, Close()), ConnectError),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_with_utf8_is_a_typed_error_and_no_login_leaves(
    name: str, ca: CertificateAuthority
) -> None:
    steps, kind = TROUBLE[name]
    async with ScriptedServer((*INSIDE, *steps), context=ca.server_context(HOST)) as server:
        with pytest.raises(kind):
            await connect_pop3(account(server, ca, TLSMode.IMPLICIT), utf8=True)
        await server.finished.wait()
    assert b"AUTH" not in server.plaintext


@pytest.mark.parametrize("typed", [("älice", "secret"), ("alice", "gehëim")])
@pytest.mark.parametrize("offer", [listed(b"USER"), listed(b"USER", b"UTF8"), Send(b"-ERR\r\n")])
async def test_user_and_pass_are_not_said_in_utf8_unless_the_server_takes_it(
    typed: tuple[str, str], offer: Send, ca: CertificateAuthority
) -> None:
    error, server = await refused(
        (*INSIDE, offer), ca, tls=TLSMode.IMPLICIT, credentials=Password(*typed)
    )
    assert isinstance(error, AuthenticationError)
    assert "ASCII alone" in error.attempts[-1].answer
    assert server.plaintext == b"CAPA\r\n"


async def test_user_and_pass_are_said_in_utf8_where_the_server_takes_it(
    ca: CertificateAuthority,
) -> None:
    steps = (
        listed(b"USER", b"UTF8 USER"),
        Expect("USER älice".encode()),
        OK,
        Expect("PASS gehëim".encode()),
        WELCOME,
    )
    async with ScriptedServer((*INSIDE, *steps, Hang()), context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT, credentials=Password("älice", "gehëim"))
        async with connect_pop3(mine) as session:
            assert session.authenticated_by == "LOGIN command"
        await server.finished.wait()
    assert server.problem is None


# --- against a server that follows the RFC to the letter

MESSAGE = "Subject: Grüße\r\nFrom: jürgen@exämple.org\r\n\r\nHallo.\r\n".encode()


def alices(server: MailServer, tls: TLSMode, **fields: Any) -> Account:
    fields.setdefault("credentials", Password("alice", "secret"))
    return Account(
        "alice@example.org",
        pop3=server.endpoint(tls, Service.POP3),
        trust=TrustStore.from_pem(server.ca.pem),
        **fields,
    )


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
async def test_a_message_with_utf8_in_its_header_comes_as_it_is(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", MESSAGE)
        async with connect_pop3(alices(server, tls), utf8=True) as session:
            assert session.client.is_utf8
            assert await session.client.retr(1) == MESSAGE


async def test_without_the_mode_such_a_message_is_refused_with_a_reason(
    ca: CertificateAuthority,
) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", MESSAGE)
        async with connect_pop3(alices(server, TLSMode.IMPLICIT)) as session:
            with pytest.raises(CommandError) as caught:
                await session.client.retr(1)
            assert caught.value.code is ResponseCode.UTF8
            assert (await session.client.stat()).messages == 1


async def test_a_name_and_password_in_utf8_log_in_by_user_and_pass(
    ca: CertificateAuthority,
) -> None:
    offer = Offer(mechanisms=())
    async with MailServer({"älice": "gehëim"}, ca=ca, offer=offer) as server:
        mine = alices(server, TLSMode.IMPLICIT, credentials=Password("älice", "gehëim"))
        async with connect_pop3(mine, utf8=True) as session:
            assert session.authenticated_by == "LOGIN command"
