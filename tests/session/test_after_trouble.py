"""What a session says and does after something went wrong, or while somebody else asks."""

from __future__ import annotations

import asyncio
import logging
import pickle
import ssl
import traceback

import pytest

from securemail import (
    AuthenticationError,
    ClientCertificate,
    ConnectError,
    DeadlineError,
    LimitExceeded,
    Password,
    Phase,
    Policy,
    PolicyError,
    ProtocolError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    Timeouts,
    TLSMode,
    UsageError,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    SendRaw,
    StartTLS,
    Step,
)
from tests.session.scripts import (
    CAPABILITY,
    GREETING,
    HOST,
    IMPLICIT,
    LEAVE,
    PLAIN,
    REFUSED,
    TLS_GREETING,
    account,
    phase_of,
    refused,
)

IMPLICIT_TLS = TLSMode.IMPLICIT


async def test_what_happened_while_nobody_waited_is_what_the_next_call_says(
    ca: CertificateAuthority,
) -> None:
    script = (GREETING, Repeat(b"* OK x\r\n", 100_000), Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await SecureSession.open(account(server, ca, TLSMode.STARTTLS), Service.IMAP)
        await server.finished.wait()
        for step in (session.discover, session.starttls):
            with pytest.raises((LimitExceeded, UsageError)):
                await step()
        with pytest.raises(LimitExceeded):
            await session.discover()
        await session.aclose()


async def test_a_session_is_an_async_context_manager(ca: CertificateAuthority) -> None:
    async with ScriptedServer((GREETING, Hang())) as server:
        mine = account(server, ca, TLSMode.STARTTLS)
        async with await SecureSession.open(mine, Service.IMAP) as session:
            with pytest.raises(PolicyError):
                await session.authenticate()
        assert session.phase is Phase.CLOSED
        await server.finished.wait()


@pytest.mark.parametrize("answer", [b"{tag} NO no\r\n", b"* 1 EXISTS\r\n{tag} OK\r\n"])
async def test_a_failed_hand_over_closes_the_session(
    ca: CertificateAuthority, answer: bytes
) -> None:
    script = (StartTLS(), TLS_GREETING, PLAIN, Send(b"{tag} OK in\r\n"), CAPABILITY, Send(answer))
    async with ScriptedServer((*script, Hang()), context=ca.server_context(HOST)) as server:
        session = await SecureSession.open(account(server, ca, IMPLICIT_TLS), Service.IMAP)
        with pytest.raises(SecureMailError):
            await session.authenticate()
        assert phase_of(session) is Phase.CLOSED
        with pytest.raises(UsageError):
            await session.authenticate()


async def test_a_server_that_refuses_to_list_its_capabilities_is_left(
    ca: CertificateAuthority,
) -> None:
    script = (StartTLS(), GREETING, CAPABILITY, Send(b"{tag} NO\r\n"), Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await SecureSession.open(account(server, ca, IMPLICIT_TLS), Service.IMAP)
        with pytest.raises(ProtocolError):
            await session.discover()
        assert phase_of(session) is Phase.CLOSED


@pytest.mark.parametrize("answer", [b"+ eA==\r\n", b"{tag} OK in\r\n"])
async def test_a_server_that_goes_on_after_a_cancelled_exchange_is_left(
    ca: CertificateAuthority, answer: bytes
) -> None:
    script = (StartTLS(), TLS_GREETING, PLAIN, Send(b"+ eA==\r\n"), Expect(rb"\*"), Send(answer))
    error, _ = await refused((*script, Hang()), ca, tls=IMPLICIT_TLS)
    assert isinstance(error, AuthenticationError)
    assert "broke off the login" in str(error)


async def test_a_cancelled_step_closes_the_session(ca: CertificateAuthority) -> None:
    script = (StartTLS(), GREETING, CAPABILITY, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await SecureSession.open(account(server, ca, IMPLICIT_TLS), Service.IMAP)
        asking = asyncio.create_task(session.discover())
        await server.hanging.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert phase_of(session) is Phase.CLOSED


async def test_trouble_in_the_segment_of_the_login_is_not_lost(ca: CertificateAuthority) -> None:
    script: tuple[Step, ...] = (
        StartTLS(),
        TLS_GREETING,
        PLAIN,
        Send(b"{tag} OK [CAPABILITY IMAP4rev1] in\r\n"),
        SendRaw(b"cleartext in the middle of the records"),
        Hang(),
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        with pytest.raises(SecureMailError):
            async with connect_imap(account(server, ca, IMPLICIT_TLS)) as session:
                await session.client.noop()


async def test_a_reset_after_the_server_has_spoken_is_not_blamed_on_the_certificate(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    script = (StartTLS(), TLS_GREETING, PLAIN, Reset())
    error, _ = await refused(script, ca, tls=IMPLICIT_TLS, client_certificate=alice)
    assert isinstance(error, ConnectError)


async def test_a_policy_on_client_certificates_binds_only_who_has_one(
    ca: CertificateAuthority,
) -> None:
    context = ca.server_context(HOST, request_client_certificate=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    mine = {"policy": Policy(require_tls13_for_client_certificate=True)}
    async with (
        ScriptedServer((*IMPLICIT, *LEAVE), context=context) as server,
        connect_imap(account(server, ca, IMPLICIT_TLS, **mine)) as session,
    ):
        assert session.confidentiality.client_certificate_requested
        assert not session.confidentiality.shortfalls


async def test_an_idle_that_is_not_answered_ends_in_time(ca: CertificateAuthority) -> None:
    select = (Expect(rb"\w+ SELECT INBOX"), Send(b"{tag} OK x\r\n"), Expect(rb"\w+ IDLE"), Hang())
    async with (
        ScriptedServer((*IMPLICIT, *select), context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, IMPLICIT_TLS), timeouts=Timeouts(command=1.0)) as session,
    ):
        await session.client.select("INBOX")
        with pytest.raises(TimeoutError):
            await session.client.idle_start()
        assert session.phase is Phase.CLOSED


@pytest.mark.parametrize(
    "echo",
    [
        b"unknown command: AUTHENTICATE PLAIN AGFsaWNlAGNhbmFyeQ==",
        b"wrong password: canary",
        b"Y2FuYXJ5 is not it",
    ],
)
async def test_a_password_that_the_server_echoes_is_not_repeated(
    ca: CertificateAuthority, echo: bytes
) -> None:
    script = (StartTLS(), TLS_GREETING, PLAIN, Send(b"{tag} NO " + echo + b"\r\n"))
    error, _ = await refused(script, ca, tls=IMPLICIT_TLS, credentials=Password("alice", "canary"))
    assert isinstance(error, AuthenticationError)
    for form in ("canary", "AGFsaWNlAGNhbmFyeQ", "Y2FuYXJ5"):
        assert form not in str(error)
    assert "<redacted>" in str(error)


async def test_no_local_of_a_traceback_holds_the_password(
    ca: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script = (StartTLS(), TLS_GREETING, PLAIN, REFUSED)
    error, _ = await refused(script, ca, tls=IMPLICIT_TLS, credentials=Password("alice", "canary"))
    shown = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    assert "canary" not in shown + caplog.text
    assert "Y2FuYXJ5" not in shown + caplog.text
    assert "AGFsaWNlAGNhbmFyeQ" not in shown + caplog.text


@pytest.mark.parametrize(
    "error",
    [
        PolicyError("x", shortfalls={Shortfall.NO_TLS}),
        ConnectError("x", phase="tls", is_truncated=True),
        DeadlineError("x", phase="tls", seconds=1.0),
        LimitExceeded("x", limit=1),
        UsageError("x", field="y"),
    ],
)
def test_an_error_survives_a_pickle(error: SecureMailError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)
