"""The session step by step, its phases, and what each step refuses."""

from __future__ import annotations

import asyncio

import pytest

from securemail import (
    Account,
    Level,
    Password,
    Phase,
    PolicyError,
    SecureSession,
    Service,
    Shortfall,
    TLSMode,
    UsageError,
    connect_imap,
)
from securemail.testing import CertificateAuthority, Expect, Hang, ScriptedServer, StartTLS
from tests.session.scripts import (
    BEGIN,
    CAPABILITY,
    GREETING,
    HOST,
    IMPLICIT,
    LEAVE,
    LISTED,
    PLAIN,
    STARTTLS,
    TLS_GREETING,
    UPGRADED,
    WELCOME,
    account,
    phase_of,
)
from tests.values import no_minimum


async def test_the_phases_of_a_session_with_starttls(ca: CertificateAuthority) -> None:
    script = (GREETING, CAPABILITY, LISTED, STARTTLS, BEGIN, StartTLS(), CAPABILITY, LISTED)
    async with ScriptedServer(
        (*script, PLAIN, WELCOME, *LEAVE), context=ca.server_context(HOST)
    ) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.STARTTLS), Service.IMAP)
        assert phase_of(session) is Phase.CLEARTEXT
        assert session.capabilities == frozenset()
        assert session.confidentiality.level is Level.NONE
        assert "SASL-IR" in await session.discover()
        await session.starttls()
        assert phase_of(session) is Phase.SECURED
        assert session.capabilities == frozenset()
        assert session.confidentiality.indicator.is_locked
        await session.authenticate()
        assert phase_of(session) is Phase.AUTHENTICATED
        assert session.client.get_state() == "AUTH"
        await session.aclose()
        assert phase_of(session) is Phase.CLOSED


async def test_capabilities_are_asked_for_once_in_each_phase(ca: CertificateAuthority) -> None:
    script = (StartTLS(), GREETING, CAPABILITY, LISTED, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.IMPLICIT), Service.IMAP)
        assert await session.discover() == await session.discover()
        await session.aclose()
        await server.finished.wait()
        assert server.plaintext.count(b"CAPABILITY") == 1


async def test_in_cleartext_the_client_and_the_login_are_refused_and_nothing_is_sent(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer((GREETING, Expect(rb".*"))) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.STARTTLS), Service.IMAP)
        with pytest.raises(PolicyError) as caught:
            await session.authenticate()
        assert caught.value.shortfalls == {Shortfall.NO_TLS}
        with pytest.raises(PolicyError):
            _ = session.client
        await session.aclose()
        await server.finished.wait()
        assert server.cleartext == b""


async def test_leaving_in_cleartext_says_nothing(ca: CertificateAuthority) -> None:
    async with ScriptedServer((GREETING, Expect(rb".*"))) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.STARTTLS), Service.IMAP)
        await session.aclose()
        await server.finished.wait()
        assert server.cleartext == b""


async def test_the_client_is_not_there_before_the_login(ca: CertificateAuthority) -> None:
    async with ScriptedServer(
        (StartTLS(), TLS_GREETING, Hang()), context=ca.server_context(HOST)
    ) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.IMPLICIT), Service.IMAP)
        with pytest.raises(UsageError):
            _ = session.client
        await session.aclose()


async def test_starttls_is_not_for_a_session_that_has_tls(ca: CertificateAuthority) -> None:
    async with ScriptedServer(
        (StartTLS(), TLS_GREETING, Hang()), context=ca.server_context(HOST)
    ) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.IMPLICIT), Service.IMAP)
        with pytest.raises(UsageError):
            await session.starttls()
        await session.aclose()


async def test_a_session_logs_in_once(ca: CertificateAuthority) -> None:
    async with (
        ScriptedServer((*IMPLICIT, *LEAVE), context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(UsageError):
            await session.authenticate()


async def test_a_second_task_that_asks_at_the_same_time_is_told_so(
    ca: CertificateAuthority,
) -> None:
    async with ScriptedServer(
        (StartTLS(), GREETING, CAPABILITY, Hang()), context=ca.server_context(HOST)
    ) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.IMPLICIT), Service.IMAP)
        first = asyncio.create_task(session.discover())
        await server.hanging.wait()
        with pytest.raises(UsageError):
            await session.discover()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await session.aclose()


async def test_closing_logs_out_and_sends_a_close_alert(ca: CertificateAuthority) -> None:
    async with ScriptedServer((*UPGRADED, *LEAVE), context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.STARTTLS)):
            pass
        await server.finished.wait()
        assert server.problem is None
        assert server.transcripts[0].has_close_notify


async def test_closing_twice_is_harmless(ca: CertificateAuthority) -> None:
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=ca.server_context(HOST)) as server:
        session = await connect_imap(account(server, ca, TLSMode.IMPLICIT))
        await session.aclose()
        await session.aclose()


async def test_a_server_that_does_not_see_us_off_is_left_after_a_second(
    ca: CertificateAuthority,
) -> None:
    async with (
        ScriptedServer((*IMPLICIT, Hang()), context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        pass
    assert phase_of(session) is Phase.CLOSED


async def test_without_tls_and_without_a_minimum_a_named_mechanism_runs(
    ca: CertificateAuthority,
) -> None:
    script = (TLS_GREETING, PLAIN, WELCOME, *LEAVE)
    async with ScriptedServer(script) as server:
        mine = account(
            server,
            ca,
            TLSMode.NONE,
            policy=no_minimum(),
            credentials=Password("alice", "secret", mechanisms=["PLAIN"]),
        )
        async with connect_imap(mine) as session:
            assert session.confidentiality.level is Level.NONE
            assert not session.confidentiality.indicator.is_locked


def test_an_account_without_the_service_is_told_so() -> None:
    with pytest.raises(UsageError) as caught:
        SecureSession(Account("alice@example.org"), Service.IMAP)
    assert caught.value.field == "Account.imap"
