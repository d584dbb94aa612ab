"""Before TLS: what test_attacks.py does not say about IMAP, and what an honest server sees."""

from __future__ import annotations

import re

import pytest

from securemail import (
    InjectionError,
    PolicyError,
    Shortfall,
    Timeouts,
    TLSMode,
    connect_imap,
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
