"""What an observer is told of sessions that fail, and of those that are lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from securemail import (
    AuthenticationError,
    CertificateError,
    CertificateReason,
    DeadlineError,
    Event,
    PolicyError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    Timeouts,
    TLSMode,
    connect_imap,
)
from securemail.events import (
    ConnectFailed,
    ConnectStarted,
    Dialled,
    Ending,
    Failure,
    Greeted,
    Refused,
    SessionClosed,
    SessionLost,
    Step,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    StartTLS,
)
from tests.session.notes import IN_ORDER, Notes
from tests.session.scripts import (
    GREETING,
    HOST,
    IMPLICIT,
    PLAIN,
    REFUSED,
    STARTTLS,
    TLS_GREETING,
    account,
)

PROMPTLY = Timeouts(connect=5, tls=5, greeting=0.2, command=0.2)


async def failed(
    script: tuple[Any, ...],
    ca: CertificateAuthority,
    *,
    tls: TLSMode = TLSMode.IMPLICIT,
    host: str = HOST,
) -> Notes:
    notes = Notes()
    async with ScriptedServer(script, context=ca.server_context(host)) as server:
        with pytest.raises(SecureMailError):
            await connect_imap(account(server, ca, tls), observer=notes, timeouts=PROMPTLY)
    return notes


async def test_a_refusal_tells_every_shortfall(ca: CertificateAuthority) -> None:
    no = Send(b"{tag} NO no\r\n")
    notes = await failed((GREETING, STARTTLS, no, Hang()), ca, tls=TLSMode.STARTTLS)
    assert notes.kinds == [ConnectStarted, Dialled, Greeted, Refused, ConnectFailed]
    refused, end = notes.events[-2:]
    assert isinstance(refused, Refused)
    assert refused.shortfalls == {Shortfall.NO_TLS}
    assert isinstance(end, ConnectFailed)
    assert (end.step, end.failure) == (Step.TLS, Failure(PolicyError))


async def test_a_refusal_in_the_middle_does_not_end_the_story(ca: CertificateAuthority) -> None:
    notes = Notes()
    async with ScriptedServer((GREETING, Hang())) as server:
        alices = account(server, ca, TLSMode.STARTTLS)
        session = await SecureSession.open(alices, Service.IMAP, observer=notes)
        with pytest.raises(PolicyError):
            await session.authenticate()
        assert notes.kinds == [ConnectStarted, Dialled, Greeted, Refused]
        await session.aclose()
    assert notes.kinds[-1] is SessionClosed


@pytest.mark.parametrize(
    ("script", "step", "failure"),
    [
        ((Close(),), Step.TLS, None),
        ((Hang(),), Step.TLS, DeadlineError),
        ((StartTLS(), Hang()), Step.GREETING, DeadlineError),
        ((StartTLS(), Send(b"no IMAP\r\n"), Hang()), Step.GREETING, None),
        ((StartTLS(), TLS_GREETING, PLAIN, REFUSED, Hang()), Step.LOGIN, AuthenticationError),
        ((StartTLS(), TLS_GREETING, PLAIN, Hang()), Step.LOGIN, DeadlineError),
    ],
)
async def test_a_connection_that_fails_is_told_with_the_step_and_the_error(
    ca: CertificateAuthority,
    script: tuple[Any, ...],
    step: Step,
    failure: type[SecureMailError] | None,
) -> None:
    notes = Notes()
    limits = Timeouts(connect=5, tls=0.3, greeting=0.2, command=0.2)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        alices = account(server, ca, TLSMode.IMPLICIT)
        with pytest.raises(SecureMailError) as caught:
            await connect_imap(alices, observer=notes, timeouts=limits)
    end = notes.events[-1]
    assert isinstance(end, ConnectFailed)
    assert notes.kinds.count(ConnectFailed) == 1
    assert (end.step, end.failure.kind) == (step, failure or type(caught.value))


async def test_a_bad_certificate_is_told_with_its_reason(ca: CertificateAuthority) -> None:
    notes = await failed((StartTLS(), Hang()), ca, host="other.example.org")
    end = notes.events[-1]
    assert isinstance(end, ConnectFailed)
    assert end.failure == Failure(CertificateError, CertificateReason.NAME_MISMATCH)


async def test_a_server_that_is_not_there_is_told_as_a_failed_connect(
    ca: CertificateAuthority,
) -> None:
    notes = Notes()
    async with ScriptedServer(()) as server:
        nowhere = account(server, ca, TLSMode.IMPLICIT)
    with pytest.raises(SecureMailError):
        await connect_imap(nowhere, observer=notes)
    assert notes.kinds == [ConnectStarted, ConnectFailed]


async def test_a_cancelled_connect_is_told_as_cancelled(ca: CertificateAuthority) -> None:
    notes = Notes()
    greeted = asyncio.Event()

    def observer(event: Event) -> None:
        notes(event)
        if isinstance(event, Greeted):
            greeted.set()

    script = (StartTLS(), TLS_GREETING, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        alices = account(server, ca, TLSMode.IMPLICIT)
        task = asyncio.create_task(
            SecureSession[object].connect(alices, Service.IMAP, observer=observer)
        )
        await greeted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    end = notes.events[-1]
    assert isinstance(end, ConnectFailed)
    assert end.failure.kind is asyncio.CancelledError


async def lost(script: tuple[Any, ...], ca: CertificateAuthority) -> SessionLost:
    """Return how a session ended that nobody asked to end."""
    notes = Notes()
    over = asyncio.Event()

    def observer(event: Event) -> None:
        notes(event)
        if isinstance(event, SessionLost):
            over.set()

    script = (*IMPLICIT, Expect(rb"\w+ NOOP"), *script)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        session = await connect_imap(account(server, ca, TLSMode.IMPLICIT), observer=observer)
        with pytest.raises(SecureMailError):
            await session.client.noop()
        await over.wait()
        await session.aclose()
    assert notes.kinds == [*IN_ORDER[:-1], SessionLost]
    end = notes.events[-1]
    assert isinstance(end, SessionLost)
    return end


async def test_a_server_that_closes_in_good_order_is_told(ca: CertificateAuthority) -> None:
    end = await lost((Close(),), ca)
    assert (end.ending, end.failure) == (Ending.CLOSED_BY_SERVER, None)


async def test_a_cut_line_is_told_with_its_error(ca: CertificateAuthority) -> None:
    end = await lost((CloseWithoutAlert(),), ca)
    assert end.ending is Ending.FAILED
    assert end.failure is not None
    assert end.failure.is_ours


async def test_a_session_that_the_client_gives_up_is_told(ca: CertificateAuthority) -> None:
    end = await lost((Send(b"rubbish\r\n"), Hang()), ca)
    assert end.ending is Ending.GIVEN_UP
