"""Attacks on submission before TLS, and what left the socket in cleartext, byte for byte."""

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
    Timeouts,
    TLSMode,
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
from tests.session.scripts import HOST
from tests.session.submission_scripts import (
    ASKED,
    BEGIN,
    EHLO,
    GREETING,
    IMPLICIT,
    LEAVE,
    OFFER,
    OFFER_BEFORE_TLS,
    ONLY_EHLO,
    ONLY_STARTTLS,
    PLAIN,
    STARTTLS,
    UPGRADED,
    WELCOME,
    account,
    connected,
    refused,
)
from tests.values import no_minimum

NOTHING = rb""
FULL_LOGIN = b"250-x\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"

# name: (what the server does, the error, what may leave in cleartext)
ATTACKS: dict[str, tuple[tuple[Step, ...], type[SecureMailError], bytes]] = {
    "the offer of STARTTLS is stripped and the command refused": (
        (GREETING, EHLO, Send(b"250-x\r\n250 AUTH PLAIN\r\n"), STARTTLS, Send(b"502 what?\r\n")),
        PolicyError,
        ONLY_STARTTLS,
    ),
    "STARTTLS is refused for now": (
        (*ASKED, Send(b"454 4.7.0 TLS not available\r\n")),
        PolicyError,
        ONLY_STARTTLS,
    ),
    "STARTTLS is refused": ((*ASKED, Send(b"554 5.7.0 no\r\n")), PolicyError, ONLY_STARTTLS),
    "EHLO is refused": (
        (GREETING, EHLO, Send(b"502 5.5.1 HELO only\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "250 instead of 220": ((*ASKED, Send(b"250 go ahead\r\n")), ProtocolError, ONLY_STARTTLS),
    "a login that nobody asked for, as the greeting": (
        (Send(b"235 2.7.0 you are in\r\n"),),
        ProtocolError,
        NOTHING,
    ),
    "a login that nobody asked for, behind the greeting": (
        (Send(b"220 hi\r\n235 2.7.0 you are in\r\n"), Hang()),
        ProtocolError,
        NOTHING,
    ),
    "a login instead of the upgrade": ((*ASKED, Send(b"235 in\r\n")), ProtocolError, ONLY_STARTTLS),
    "a challenge instead of the upgrade": (
        (*ASKED, Send(b"334 UGFzc3dvcmQ6\r\n")),
        ProtocolError,
        ONLY_STARTTLS,
    ),
    "220 twice in the greeting": (
        (Send(b"220 hi\r\n220 go ahead\r\n"), Hang()),
        ProtocolError,
        NOTHING,
    ),
    "the upgrade is agreed to behind the reply to EHLO": (
        (GREETING, EHLO, Send(b"250-x\r\n250 STARTTLS\r\n220 go ahead\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "220 twice for STARTTLS": (
        (*ASKED, Send(b"220 go ahead\r\n220 go ahead\r\n")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a reply injected behind the 220": (
        (*ASKED, Send(b"220 go ahead\r\n250 injected\r\n")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a whole login and a delivery injected behind the 220": (
        (*ASKED, Send(b"220 go ahead\r\n" + FULL_LOGIN)),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "half a line injected behind the 220": (
        (*ASKED, Send(b"220 go ahead\r\n25")),
        InjectionError,
        ONLY_STARTTLS,
    ),
    "a cleartext reply instead of the ServerHello": (
        (*ASKED, BEGIN, Send(b"250 still in the clear\r\n"), Hang()),
        SecureMailError,
        ONLY_STARTTLS,
    ),
    "the codes of a reply differ": (
        (GREETING, EHLO, Send(b"250-x\r\n220 go ahead\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "a reply to EHLO without end": (
        (GREETING, EHLO, Repeat(b"250-X-MORE\r\n", 100_000)),
        LimitExceeded,
        ONLY_EHLO,
    ),
    "a greeting without end": ((Repeat(b"220-welcome\r\n", 100_000),), LimitExceeded, NOTHING),
    "a line without end": ((Repeat(b"2" * 1000, 100_000),), LimitExceeded, NOTHING),
    "a flood behind the greeting": (
        (GREETING, Repeat(b"250 ok\r\n", 100_000)),
        ProtocolError,
        b"(%s)?" % ONLY_EHLO,
    ),
    "a lone LF in a reply": (
        (GREETING, EHLO, Send(b"250-x\n250 STARTTLS\r\n"), Hang()),
        ProtocolError,
        ONLY_EHLO,
    ),
    "goodbye as the greeting": ((Send(b"421 busy\r\n"),), ConnectError, NOTHING),
    "no service as the greeting": ((Send(b"554 no SMTP here\r\n"),), ConnectError, NOTHING),
    "goodbye instead of capabilities": (
        (GREETING, EHLO, Send(b"421 4.3.2 shutting down\r\n")),
        ConnectError,
        ONLY_EHLO,
    ),
    "goodbye instead of the upgrade": (
        (*ASKED, Send(b"421 4.3.2 shutting down\r\n")),
        ConnectError,
        ONLY_STARTTLS,
    ),
    "an IMAP server": ((Send(b"* OK IMAP4rev1\r\n"), Hang()), ProtocolError, NOTHING),
    "a POP3 server": ((Send(b"+OK POP3\r\n"), Hang()), ProtocolError, NOTHING),
    "an HTTP server": ((Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),), ProtocolError, NOTHING),
    "the line is closed after the greeting": ((GREETING, Close()), ConnectError, ONLY_EHLO),
    "the line is reset instead of a reply": ((*ASKED, Reset()), ConnectError, ONLY_STARTTLS),
    "the line is closed instead of the ServerHello": (
        (*ASKED, BEGIN, Close()),
        ConnectError,
        ONLY_STARTTLS,
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_before_tls_is_refused_and_nothing_private_leaves(
    name: str, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    script, kind, may_leave = ATTACKS[name]
    error, server = await refused(
        script, ca, client_certificate=alice, ehlo_name="private.example.org"
    )
    assert isinstance(error, kind), repr(error)
    left = server.cleartext.partition(b"\x16\x03")[0]
    assert re.fullmatch(b"(%s)?" % may_leave, left), left
    assert server.plaintext == b""
    assert server.client_certificate is None


async def test_the_refusal_of_a_stripped_upgrade_says_what_is_missing(
    ca: CertificateAuthority,
) -> None:
    error, _ = await refused((*ASKED, Send(b"454 4.7.0 not here\r\n")), ca)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_TLS}
    assert "454 4.7.0 not here" in str(error)


async def test_an_honest_upgrade_says_ehlo_and_starttls_in_cleartext_and_not_a_byte_more(
    ca: CertificateAuthority,
) -> None:
    async with connected((*UPGRADED, *LEAVE), ca, tls=TLSMode.STARTTLS) as (session, server):
        assert session.authenticated_by == "PLAIN"
    await server.finished.wait()
    assert server.problem is None
    assert re.fullmatch(ONLY_STARTTLS, server.cleartext)


async def test_leaving_in_cleartext_says_nothing(ca: CertificateAuthority) -> None:
    async with ScriptedServer((GREETING, EHLO, OFFER_BEFORE_TLS, Expect(rb".*"))) as server:
        mine = account(server, ca, TLSMode.STARTTLS)
        session = await SecureSession.open(mine, Service.SUBMISSION)
        assert await session.discover() == {"STARTTLS"}
        await session.aclose()
        await server.finished.wait()
        assert re.fullmatch(ONLY_EHLO, server.cleartext)


async def test_an_offer_learnt_in_cleartext_is_not_believed_inside_tls(
    ca: CertificateAuthority,
) -> None:
    script = (
        GREETING,
        EHLO,
        Send(b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"),
        STARTTLS,
        BEGIN,
        StartTLS(),
        EHLO,
        Send(b"250-x\r\n250 SIZE 1000\r\n"),
        Hang(),
    )
    error, server = await refused(script, ca)
    assert "not offered" in str(error)
    assert server.plaintext.count(b"\r\n") == 1


async def test_a_reply_that_comes_byte_by_byte_is_no_injection(ca: CertificateAuthority) -> None:
    script = (*ASKED, SendSlowly(b"220 go ahead\r\n"), *UPGRADED[5:], *LEAVE)
    async with connected(script, ca, tls=TLSMode.STARTTLS) as (session, server):
        assert session.authenticated_by == "PLAIN"
    await server.finished.wait()
    assert server.problem is None


@pytest.mark.parametrize("answer", [b"502 no\r\n", b"454 later\r\n"])
async def test_without_a_minimum_a_refused_upgrade_still_shows_no_password(
    ca: CertificateAuthority, answer: bytes
) -> None:
    script = (
        GREETING,
        EHLO,
        Send(b"250-x\r\n250 AUTH PLAIN\r\n"),
        STARTTLS,
        Send(answer),
        Expect(rb".*"),
    )
    error, server = await refused(script, ca, policy=no_minimum())
    assert "would show the password" in str(error)
    assert re.fullmatch(ONLY_STARTTLS, server.cleartext)


async def test_what_follows_the_login_unasked_is_refused(ca: CertificateAuthority) -> None:
    script = (StartTLS(), GREETING, EHLO, OFFER, PLAIN, Send(b"235 in\r\n250 queued\r\n"), Hang())
    error, _ = await refused(script, ca, tls=TLSMode.IMPLICIT)
    assert isinstance(error, ProtocolError)
    assert "12 bytes followed the reply to AUTH" in str(error)


@pytest.mark.parametrize("at", range(1, len(UPGRADED)))
async def test_a_server_that_does_not_answer_ends_in_time(
    at: int, ca: CertificateAuthority
) -> None:
    timeouts = Timeouts(greeting=0.1, tls=0.1, command=0.1)
    error, _ = await refused((*UPGRADED[:at], Hang()), ca, timeouts=timeouts)
    assert isinstance(error, TimeoutError)


async def test_a_tls_port_that_is_taken_for_a_starttls_port_ends_in_time(
    ca: CertificateAuthority,
) -> None:
    error, server = await refused((StartTLS(), Hang()), ca, timeouts=Timeouts(greeting=0.2))
    assert "greeting" in str(error)
    assert server.cleartext == b""


async def test_the_configured_name_is_said_inside_tls_only(ca: CertificateAuthority) -> None:
    inside = Expect(rb"EHLO laptop\.example\.org")
    script = (*ASKED, BEGIN, StartTLS(), inside, OFFER, PLAIN, WELCOME, *LEAVE)
    async with connected(script, ca, tls=TLSMode.STARTTLS, ehlo_name="laptop.example.org") as (
        session,
        server,
    ):
        assert session.client.local_hostname == "laptop.example.org"
    await server.finished.wait()
    assert server.problem is None
    assert re.fullmatch(ONLY_STARTTLS, server.cleartext)


async def test_implicit_tls_says_ehlo_once_and_nothing_in_cleartext(
    ca: CertificateAuthority,
) -> None:
    async with connected((*IMPLICIT, *LEAVE), ca) as (session, server):
        assert not session.client.is_ehlo_or_helo_needed
    await server.finished.wait()
    assert server.problem is None
    assert server.plaintext.count(b"EHLO") == 1
    assert server.cleartext == b""
    assert HOST.encode() not in server.plaintext
