"""Attacks on POP3 before TLS, and what left the socket in cleartext, byte for byte."""

from __future__ import annotations

import re

import pytest

from securemail import (
    ClientCertificate,
    ConnectError,
    InjectionError,
    LimitExceeded,
    PolicyError,
    ProtocolError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    TLSMode,
    connect_pop3,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    SendSlowly,
    StartTLS,
    Step,
)
from tests.session.pop3_scripts import (
    BEGIN,
    CAPA,
    GREETING,
    HANG,
    LISTED,
    ONLY_STLS,
    PLAIN,
    STLS,
    UPGRADED,
    WELCOME,
    account,
    listed,
    refused,
)
from tests.session.scripts import HOST
from tests.values import no_minimum

NOTHING = rb""
BEGUN = (GREETING, STLS)
FULL_LOGIN = b"+OK\r\nSASL PLAIN\r\n.\r\n+OK logged in\r\n+OK 1 9\r\n"

# name: (what the server does, the error, what may leave in cleartext)
ATTACKS: dict[str, tuple[tuple[Step, ...], type[SecureMailError], bytes]] = {
    "STLS is refused": ((*BEGUN, Send(b"-ERR unknown command\r\n")), PolicyError, ONLY_STLS),
    "a reply injected behind the reply": (
        (*BEGUN, Send(b"+OK begin\r\n+OK injected\r\n")),
        InjectionError,
        ONLY_STLS,
    ),
    "a whole login injected behind the reply": (
        (*BEGUN, Send(b"+OK begin\r\n" + FULL_LOGIN)),
        InjectionError,
        ONLY_STLS,
    ),
    "half a line injected behind the reply": (
        (*BEGUN, Send(b"+OK begin\r\n+O")),
        InjectionError,
        ONLY_STLS,
    ),
    "a cleartext reply instead of the ServerHello": (
        (*BEGUN, BEGIN, Send(b"+OK still in the clear\r\n"), Hang()),
        SecureMailError,
        ONLY_STLS,
    ),
    "+OK before the command": (
        (Send(b"+OK hi\r\n+OK begin\r\n"), Hang()),
        ProtocolError,
        NOTHING,
    ),
    "capabilities before the command": (
        (Send(b"+OK hi\r\n+OK\r\nSASL PLAIN\r\n.\r\n"), Hang()),
        ProtocolError,
        NOTHING,
    ),
    "a list of capabilities instead of a reply": (
        (*BEGUN, Send(b"SASL PLAIN\r\n.\r\n"), Hang()),
        ProtocolError,
        ONLY_STLS,
    ),
    "a challenge instead of a reply": ((*BEGUN, Send(b"+ \r\n"), Hang()), ProtocolError, ONLY_STLS),
    "-ERR as the greeting": ((Send(b"-ERR too busy\r\n"), Hang()), ConnectError, NOTHING),
    "-ERR in the greeting's segment": (
        (Send(b"+OK hi\r\n-ERR go away\r\n"), Hang()),
        ConnectError,
        NOTHING,
    ),
    "an SMTP server": ((Send(b"220 mx ESMTP\r\n"), Hang()), ProtocolError, NOTHING),
    "an IMAP server": ((Send(b"* OK IMAP4rev1\r\n"), Hang()), ProtocolError, NOTHING),
    "an IMAP server with PREAUTH": ((Send(b"* PREAUTH in\r\n"), Hang()), ProtocolError, NOTHING),
    "an HTTP server": ((Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),), ProtocolError, NOTHING),
    "a lone CR in the reply": (
        (*BEGUN, Send(b"+OK begin\r+OK\r\n"), Hang()),
        ProtocolError,
        ONLY_STLS,
    ),
    "a line without end": ((Repeat(b"x" * 1000, 100_000),), LimitExceeded, NOTHING),
    "a flood behind the greeting": (
        (GREETING, Repeat(b"+OK\r\n", 100_000)),
        SecureMailError,
        ONLY_STLS,
    ),
    "a flood behind the reply": (
        (*BEGUN, BEGIN, Repeat(b"+OK\r\n", 100_000)),
        SecureMailError,
        ONLY_STLS,
    ),
    "a reply without end": ((*BEGUN, Repeat(b"+OK" * 1000, 100_000)), LimitExceeded, ONLY_STLS),
    "the line is closed after the greeting": ((GREETING, Close()), ConnectError, ONLY_STLS),
    "the line is reset instead of a reply": ((*BEGUN, Reset()), ConnectError, ONLY_STLS),
    "the line is closed instead of the ServerHello": (
        (*BEGUN, BEGIN, Close()),
        ConnectError,
        ONLY_STLS * 2,  # tried again with a smaller ClientHello
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_before_tls_is_refused_and_nothing_private_leaves(
    name: str, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    script, kind, may_leave = ATTACKS[name]
    error, server = await refused(script, ca, client_certificate=alice)
    assert isinstance(error, kind), repr(error)
    left = server.cleartext.partition(b"\x16\x03")[0]
    assert re.fullmatch(b"(%s)?" % may_leave, left), left
    assert server.plaintext == b""
    assert server.client_certificate is None


async def test_the_refusal_of_a_stripped_upgrade_says_what_is_missing(
    ca: CertificateAuthority,
) -> None:
    error, _ = await refused((*BEGUN, Send(b"-ERR not here\r\n")), ca)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_TLS}
    assert "not here" in str(error)


async def test_an_honest_upgrade_says_stls_in_cleartext_and_nobody_says_quit(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((*UPGRADED, *HANG), context=ca.server_context(HOST)) as server:
        async with connect_pop3(account(server, ca, TLSMode.STARTTLS)) as session:
            assert session.authenticated_by == "PLAIN"
        await server.finished.wait()
    assert server.problem is None
    assert server.cleartext == b"STLS\r\n"
    assert [line.split()[0] for line in server.plaintext.splitlines()] == [b"CAPA", b"AUTH"]
    assert server.transcripts[0].has_close_notify


async def test_leaving_in_cleartext_says_nothing(ca: CertificateAuthority) -> None:
    async with ScriptedServer((GREETING, *HANG), context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.STARTTLS)
        session = await SecureSession.open(mine, Service.POP3)
        await session.aclose()
        await server.finished.wait()
    assert server.cleartext == b""


async def test_capabilities_from_before_tls_are_not_believed_inside_it(
    ca: CertificateAuthority,
) -> None:
    script = (GREETING, CAPA, LISTED, STLS, BEGIN, StartTLS(), CAPA, listed(b"TOP"), Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.STARTTLS), Service.POP3)
        assert "PIPELINING" in await session.discover()
        await session.starttls()
        assert session.capabilities == frozenset()
        with pytest.raises(SecureMailError, match="not offered"):
            await session.authenticate()
        await session.aclose()
        await server.finished.wait()
    assert server.plaintext == b"CAPA\r\n"


async def test_a_reply_that_comes_byte_by_byte_is_no_injection(ca: CertificateAuthority) -> None:
    script = (SendSlowly(GREETING.data), STLS, SendSlowly(BEGIN.data), *UPGRADED[3:], *HANG)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_pop3(account(server, ca, TLSMode.STARTTLS)) as session:
            assert session.authenticated_by == "PLAIN"
        await server.finished.wait()
    assert server.problem is None


async def test_without_a_minimum_a_refused_upgrade_still_shows_no_password(
    ca: CertificateAuthority,
) -> None:
    script = (*BEGUN, Send(b"-ERR no\r\n"), CAPA, listed(b"USER", b"SASL PLAIN"), Expect(rb".*"))
    error, server = await refused(script, ca, policy=no_minimum())
    assert "would show the password" in str(error)
    assert server.cleartext == b"STLS\r\nCAPA\r\n"


INSIDE = (StartTLS(), GREETING)

# The same inside TLS, where only a broken server does it.
TROUBLE: dict[str, tuple[tuple[Step, ...], type[SecureMailError]]] = {
    "an endless list of capabilities": (
        (*INSIDE, CAPA, Send(b"+OK\r\n"), Repeat(b"X\r\n", 100_000)),
        LimitExceeded,
    ),
    "a capability without end": (
        (*INSIDE, CAPA, Send(b"+OK\r\n"), Repeat(b"X" * 1000, 10_000)),
        LimitExceeded,
    ),
    "a capability that cannot be printed": (
        (*INSIDE, CAPA, Send(b"+OK\r\nX\x1b[2J\r\n.\r\n"), Hang()),
        ProtocolError,
    ),
    "the reply to the login before the login": (
        (*INSIDE, CAPA, Send(LISTED.data + b"+OK in\r\n"), Hang()),
        ProtocolError,
    ),
    "a reply behind the login": (
        (*INSIDE, CAPA, LISTED, PLAIN, Send(WELCOME.data + b"+OK 1 2\r\n"), Hang()),
        ProtocolError,
    ),
    "a challenge without end": (
        (*INSIDE, CAPA, LISTED, PLAIN, Repeat(b"+ \r\n", 100_000)),
        SecureMailError,
    ),
    "the line is closed instead of the list": (
        (*INSIDE, CAPA, Send(b"+OK\r\nTO"), Close()),
        ConnectError,
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_trouble_inside_tls_is_a_typed_error(name: str, ca: CertificateAuthority) -> None:
    script, kind = TROUBLE[name]
    error, server = await refused(script, ca, tls=TLSMode.IMPLICIT)
    assert isinstance(error, kind), repr(error)
    assert server.cleartext == b""
    assert b"QUIT" not in server.plaintext
