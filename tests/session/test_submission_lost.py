"""The line drops, or somebody stops waiting, with aiosmtplib's own commands; and what is logged."""

from __future__ import annotations

import asyncio
import logging

import aiosmtplib
import pytest

from securemail import (
    AuthenticationError,
    ClientCertificate,
    ConnectError,
    DeadlineError,
    LimitExceeded,
    Password,
    Phase,
    ProtocolError,
    SecureMailError,
    Timeouts,
    TLSMode,
    UnknownOutcome,
    connect_submission,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.scripts import HOST, phase_of
from tests.session.submission_scripts import (
    EHLO,
    EXTERNAL,
    GO_ON,
    GREETING,
    IMPLICIT,
    LEAVE,
    OFFER,
    OK,
    PLAIN,
    REFUSED,
    UPGRADED,
    WELCOME,
    account,
    connected,
    refused,
)

NOOP = Expect(rb"NOOP")


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ((Close(),), ConnectError),
        ((CloseWithoutAlert(),), ConnectError),
        ((Reset(),), ConnectError),
        ((Send(b"nonsense\r\n"), Hang()), ProtocolError),
        ((Send(b"250-a\r\n251 b\r\n"), Hang()), ProtocolError),
        ((Repeat(b"250-x\r\n", 100_000), Hang()), LimitExceeded),
        ((Repeat(b"2" * 1000, 1_000), Hang()), LimitExceeded),
    ],
)
async def test_a_pending_command_fails_at_once_with_the_cause(
    steps: tuple[Step, ...], kind: type[SecureMailError], ca: CertificateAuthority
) -> None:
    async with connected((*IMPLICIT, NOOP, *steps), ca) as (session, _):
        for _ in range(2):
            with pytest.raises(aiosmtplib.SMTPServerDisconnected) as caught:
                await session.client.noop()
            assert isinstance(caught.value.__cause__, kind)
        assert phase_of(session) is Phase.CLOSED


async def test_an_answer_that_nobody_asked_for_ends_the_session(ca: CertificateAuthority) -> None:
    script = (*IMPLICIT, NOOP, Send(b"250 ok\r\n250 and more\r\n"), Hang())
    async with connected(script, ca) as (session, _):
        assert (await session.client.noop()).message == "ok"
        with pytest.raises(aiosmtplib.SMTPServerDisconnected) as caught:
            await session.client.noop()
        assert isinstance(caught.value.__cause__, ProtocolError)
        assert "before it was asked" in str(caught.value)


async def test_the_servers_last_words_are_in_the_error(ca: CertificateAuthority) -> None:
    script = (*IMPLICIT, NOOP, Send(b"250 ok\r\n421 4.4.2 idle for too long\r\n"), Close())
    async with connected(script, ca) as (session, _):
        await session.client.noop()
        with pytest.raises(aiosmtplib.SMTPServerDisconnected, match="idle for too long"):
            await session.client.noop()


async def test_a_command_that_is_not_answered_ends_in_time(ca: CertificateAuthority) -> None:
    timeouts = Timeouts(command=1.0)
    async with connected((*IMPLICIT, NOOP, Hang()), ca, timeouts=timeouts) as (session, _):
        with pytest.raises(aiosmtplib.SMTPTimeoutError) as caught:
            await session.client.noop()
        assert isinstance(caught.value.__cause__, DeadlineError)
        assert phase_of(session) is Phase.CLOSED


async def test_a_cancelled_command_ends_the_session(ca: CertificateAuthority) -> None:
    async with connected((*IMPLICIT, NOOP, Hang()), ca) as (session, server):
        command = asyncio.create_task(session.client.noop())
        await server.hanging.wait()
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        assert phase_of(session) is Phase.CLOSED


async def test_sendmail_says_when_nobody_knows(ca: CertificateAuthority) -> None:
    envelope = (Expect(rb"MAIL.*"), OK, Expect(rb"RCPT.*"), OK, Expect(rb"DATA"), GO_ON)
    script = (*IMPLICIT, *envelope, Expect(rb"x"), Expect(rb"\."), Close())
    async with connected(script, ca) as (session, _):
        with pytest.raises(aiosmtplib.SMTPServerDisconnected) as caught:
            await session.client.sendmail("a@b.org", ["c@d.org"], "x")
        assert isinstance(caught.value.__cause__, UnknownOutcome)


async def test_a_server_that_does_not_see_us_off_is_left_after_a_second(
    ca: CertificateAuthority,
) -> None:
    async with connected((*IMPLICIT, Hang()), ca) as (session, _):
        pass
    assert phase_of(session) is Phase.CLOSED


async def test_a_wrong_password_is_an_authentication_error_with_the_servers_words(
    ca: CertificateAuthority,
) -> None:
    error, _ = await refused((*IMPLICIT[:5], REFUSED), ca, tls=TLSMode.IMPLICIT)
    assert isinstance(error, AuthenticationError)
    assert error.attempts[0].answer == "535 5.7.8 no such user"


async def test_external_is_tried_after_the_password_was_refused(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    script = (*IMPLICIT[:5], REFUSED, EXTERNAL, WELCOME, *LEAVE)
    async with connected(script, ca, client_certificate=alice) as (session, _):
        assert session.authenticated_by == "EXTERNAL"


async def test_a_password_too_long_for_one_command_waits_for_the_challenge(
    ca: CertificateAuthority,
) -> None:
    script = (
        StartTLS(),
        GREETING,
        EHLO,
        OFFER,
        Expect(rb"AUTH PLAIN"),
        Send(b"334 \r\n"),
        Expect(rb"[A-Za-z0-9+/]{800,}=*"),
        WELCOME,
        *LEAVE,
    )
    long = Password("alice", "s" * 600)
    async with connected(script, ca, credentials=long) as (session, server):
        assert session.authenticated_by == "PLAIN"
    await server.finished.wait()
    assert server.problem is None


async def test_an_unexpected_challenge_cancels_the_exchange(ca: CertificateAuthority) -> None:
    cancelled = (Send(b"334 bW9yZQ==\r\n"), Expect(rb"\*"), Send(b"501 5.7.0 cancelled\r\n"))
    error, server = await refused((*IMPLICIT[:5], *cancelled), ca, tls=TLSMode.IMPLICIT)
    assert isinstance(error, AuthenticationError)
    assert server.problem is None


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
async def test_a_connect_that_is_cancelled_anywhere_leaves_nothing(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    """Every turn of the loop is tried; the guards of conftest.py look for sockets and tasks."""
    script = IMPLICIT if tls is TLSMode.IMPLICIT else UPGRADED
    turns = 0
    async with ScriptedServer((*script, Hang()), context=ca.server_context(HOST)) as server:

        async def connect() -> None:
            session = await connect_submission(account(server, ca, tls))
            session.abort()

        while True:
            task = asyncio.create_task(connect())
            for _ in range(turns):
                await asyncio.sleep(0)
            if task.done():
                break
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            turns += 1
        assert turns > 10
        assert all(t.cleartext.count(b"\r\n") <= 2 for t in server.transcripts)


async def test_no_password_is_logged_or_shown(
    ca: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected((*UPGRADED, NOOP, Close()), ca, tls=TLSMode.STARTTLS) as (session, _):
        with pytest.raises(aiosmtplib.SMTPException) as caught:
            await session.client.noop()
        client = session.client
        shown = [caplog.text, repr(vars(session)), repr(vars(client)), repr(caught.value)]
    error, _ = await refused((*IMPLICIT[:4], PLAIN, REFUSED), ca, tls=TLSMode.IMPLICIT)
    for text in (*shown, repr(error), str(error)):
        assert "secret" not in text.replace("secret bytes", "")
        assert "AGFsaWNlAHNlY3JldA" not in text
