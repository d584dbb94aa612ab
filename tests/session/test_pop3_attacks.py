"""Before TLS: what test_attacks.py does not say about POP3, and what an honest server sees."""

from __future__ import annotations

import pytest

from securemail import (
    PolicyError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    TLSMode,
    connect_pop3,
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
from tests.session.pop3_scripts import (
    BEGIN,
    CAPA,
    GREETING,
    HANG,
    LISTED,
    STLS,
    UPGRADED,
    account,
    listed,
    refused,
)
from tests.session.scripts import HOST
from tests.values import no_minimum

BEGUN = (GREETING, STLS)


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
