"""Attacks before TLS, and what left the socket in cleartext, byte for byte."""

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
    Shortfall,
    Timeouts,
    TLSMode,
    connect_imap,
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
from tests.session.scripts import (
    BEGIN,
    CAPABILITY,
    GREETING,
    HOST,
    LEAVE,
    LISTED,
    ONLY_STARTTLS,
    PLAIN,
    STARTTLS,
    UPGRADED,
    WELCOME,
    account,
    refused,
)
from tests.values import no_minimum

NOTHING = rb""
FULL_LOGIN = (
    b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n"
    b"{tag} OK listed\r\n{tag} OK logged in\r\n* LIST () NIL evil\r\n"
)

# name: (what the server does, the error, what may leave in cleartext)
ATTACKS: dict[str, tuple[tuple[Step, ...], type[SecureMailError], bytes]] = {
    "the offer of STARTTLS is stripped and the command refused": (
        (
            Send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n"),
            STARTTLS,
            Send(b"{tag} BAD ?\r\n"),
        ),
        PolicyError,
        ONLY_STARTTLS,
    ),
    "STARTTLS is refused with NO": (
        (GREETING, STARTTLS, Send(b"{tag} NO not today\r\n")),
        PolicyError,
        ONLY_STARTTLS,
    ),
    "PREAUTH as the greeting": ((Send(b"* PREAUTH in\r\n"),), ProtocolError, NOTHING),
    "PREAUTH after the greeting": (
        (GREETING, STARTTLS, Send(b"* PREAUTH in\r\n{tag} OK begin\r\n")),
        ProtocolError,
        ONLY_STARTTLS,
    ),
    "a response injected behind the reply": (
        (GREETING, STARTTLS, Send(b"{tag} OK begin\r\n* OK injected\r\n")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a whole login injected behind the reply": (
        (GREETING, STARTTLS, Send(b"{tag} OK begin\r\n" + FULL_LOGIN)),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "half a line injected behind the reply": (
        (GREETING, STARTTLS, Send(b"{tag} OK begin\r\n* OK inj")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a cleartext reply instead of the ServerHello": (
        (GREETING, STARTTLS, BEGIN, Send(b"* OK still in the clear\r\n"), Hang()),
        SecureMailError,
        ONLY_STARTTLS,
    ),
    "mailbox data before TLS": (
        (GREETING, STARTTLS, Send(b"* 3 EXISTS\r\n{tag} OK begin\r\n")),
        ProtocolError,
        ONLY_STARTTLS,
    ),
    "a reply with somebody else's tag": (
        (GREETING, STARTTLS, Send(b"XX1 OK begin\r\n")),
        ProtocolError,
        ONLY_STARTTLS,
    ),
    "a tagged reply in the greeting's segment": (
        (Send(b"* OK hi\r\nXX1 OK begin\r\n"),),
        ProtocolError,
        NOTHING,
    ),
    "two replies to STARTTLS": (
        (GREETING, STARTTLS, Send(b"{tag} OK begin\r\n{tag} OK begin\r\n")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a continuation instead of a reply": (
        (GREETING, STARTTLS, Send(b"+ go on\r\n")),
        ProtocolError,
        ONLY_STARTTLS,
    ),
    "BYE as the greeting": ((Send(b"* BYE busy\r\n"),), ConnectError, NOTHING),
    "BYE as the reply": (
        (GREETING, STARTTLS, Send(b"* BYE shutting down\r\n")),
        ConnectError,
        ONLY_STARTTLS,
    ),
    "an SMTP server": ((Send(b"220 mx ESMTP\r\n"), Hang()), ProtocolError, NOTHING),
    "a POP3 server": ((Send(b"+OK POP3\r\n"), Hang()), ProtocolError, NOTHING),
    "an HTTP server": ((Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),), ProtocolError, NOTHING),
    "a line without end": ((Repeat(b"x" * 1000, 100_000),), LimitExceeded, NOTHING),
    "100,000 untagged lines as an answer": (
        (GREETING, STARTTLS, Repeat(b"* OK still here\r\n", 100_000)),
        LimitExceeded,
        ONLY_STARTTLS,
    ),
    "a literal of 4 GB": (
        (GREETING, STARTTLS, Send(b"* LIST () NIL {4294967296}\r\n"), Hang()),
        LimitExceeded,
        ONLY_STARTTLS,
    ),
    "the line is closed after the greeting": ((GREETING, Close()), ConnectError, ONLY_STARTTLS),
    "the line is reset instead of a reply": (
        (GREETING, STARTTLS, Reset()),
        ConnectError,
        ONLY_STARTTLS,
    ),
    "the line is closed instead of the ServerHello": (
        (GREETING, STARTTLS, BEGIN, Close()),
        ConnectError,
        ONLY_STARTTLS * 2,  # tried again with a smaller ClientHello
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
    error, _ = await refused((GREETING, STARTTLS, Send(b"{tag} NO not here\r\n")), ca)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_TLS}
    assert "not here" in str(error)


async def test_bytes_behind_the_starttls_reply_are_counted(ca: CertificateAuthority) -> None:
    error, _ = await refused((GREETING, STARTTLS, Send(b"{tag} OK begin\r\n* OK evil\r\n")), ca)
    assert isinstance(error, InjectionError)
    assert error.size == len(b"* OK evil\r\n")


async def test_an_honest_upgrade_says_starttls_in_cleartext_and_not_a_byte_more(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((*UPGRADED, *LEAVE), context=ca.server_context(HOST)) as (server):
        async with connect_imap(account(server, ca, TLSMode.STARTTLS)):
            pass
        await server.finished.wait()
    assert server.problem is None
    assert re.fullmatch(ONLY_STARTTLS, server.cleartext)


async def test_capabilities_are_asked_for_again_inside_tls(ca: CertificateAuthority) -> None:
    script = (
        Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=X] hi\r\n"),
        STARTTLS,
        BEGIN,
        StartTLS(),
        CAPABILITY,
        LISTED,
        PLAIN,
        WELCOME,
        *LEAVE,
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.STARTTLS)) as session:
            assert "AUTH=X" not in session.capabilities
        await server.finished.wait()
    assert server.problem is None


async def test_an_offer_learnt_in_cleartext_is_not_believed_inside_tls(
    ca: CertificateAuthority,
) -> None:
    script = (
        Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n"),
        STARTTLS,
        BEGIN,
        StartTLS(),
        CAPABILITY,
        Send(b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK listed\r\n"),
        Hang(),
    )
    error, server = await refused(script, ca)
    assert "not offered" in str(error)
    assert server.plaintext.count(b"\r\n") == 1


async def test_a_reply_that_comes_byte_by_byte_is_no_injection(ca: CertificateAuthority) -> None:
    script = (
        SendSlowly(b"* OK hi\r\n"),
        STARTTLS,
        SendSlowly(b"{tag} OK begin\r\n"),
        *UPGRADED[3:],
        *LEAVE,
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.STARTTLS)) as session:
            assert session.authenticated_by == "PLAIN"
        await server.finished.wait()
    assert server.problem is None


@pytest.mark.parametrize("answer", [b"{tag} NO no\r\n", b"{tag} BAD what\r\n"])
async def test_without_a_minimum_a_refused_upgrade_still_shows_no_password(
    ca: CertificateAuthority, answer: bytes
) -> None:
    script = (
        GREETING,
        STARTTLS,
        Send(answer),
        CAPABILITY,
        Send(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK x\r\n"),
        Expect(rb".*"),
    )
    error, server = await refused(script, ca, policy=no_minimum())
    assert "would show the password" in str(error)
    assert b"AUTHENTICATE" not in server.cleartext
    assert b"LOGIN" not in server.cleartext


async def test_a_tls_port_that_is_taken_for_a_starttls_port_ends_in_time(
    ca: CertificateAuthority,
) -> None:
    error, server = await refused(
        (StartTLS(), Hang()), ca, timeouts=Timeouts(greeting=0.2, total=5.0)
    )
    assert "greeting" in str(error)
    assert server.cleartext == b""
