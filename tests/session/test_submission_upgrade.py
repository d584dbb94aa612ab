"""What an upgrade of a submission session says, believes and waits for."""

from __future__ import annotations

import re

import pytest

from securemail import (
    Phase,
    Policy,
    PolicyError,
    ProtocolError,
    SecureSession,
    Service,
    Shortfall,
    Timeouts,
    TLSMode,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    SendSlowly,
    StartTLS,
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


async def test_the_configured_name_is_not_said_below_the_minimum_though_inside_tls(
    ca: CertificateAuthority,
) -> None:
    # The server's certificate is good; DANE, which the account wants, has nothing on it.
    script = (StartTLS(), GREETING, EHLO, OFFER, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = account(
            server,
            ca,
            TLSMode.IMPLICIT,
            ehlo_name="laptop.example.org",
            policy=Policy(require_dane=True),
        )
        session = await SecureSession.open(mine, Service.SUBMISSION)
        assert session.phase is Phase.BELOW_MINIMUM
        await session.discover()
        await session.aclose()
        await server.finished.wait()
    assert server.plaintext == b"EHLO [127.0.0.1]\r\n"


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
