"""What an observer is told of a session, and that it cannot harm it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from securemail import (
    AuthenticationError,
    CertificateError,
    CertificateReason,
    DeadlineError,
    Event,
    Level,
    Password,
    Phase,
    PolicyError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    Timeouts,
    TLSMode,
    TLSVersion,
    UsageError,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from securemail.events import (
    ConnectFailed,
    ConnectStarted,
    Dialled,
    Ending,
    Failure,
    Greeted,
    LoggedIn,
    LoginMethod,
    Refused,
    Secured,
    SessionClosed,
    SessionEvent,
    SessionLost,
    Step,
    Traffic,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
    StartTLS,
)
from tests.session import mailserver
from tests.session.scripts import (
    GREETING,
    HOST,
    IMPLICIT,
    LEAVE,
    PLAIN,
    REFUSED,
    STARTTLS,
    TLS_GREETING,
    UPGRADED,
    account,
)

PROMPTLY = Timeouts(connect=5, tls=5, greeting=0.2, command=0.2)
IN_ORDER = [ConnectStarted, Dialled, Secured, Greeted, LoggedIn, SessionClosed]


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[SessionEvent] = []

    def __call__(self, event: Event, /) -> None:
        assert isinstance(event, SessionEvent)
        self.events.append(event)

    @property
    def kinds(self) -> list[type[SessionEvent]]:
        return [type(event) for event in self.events]

    def only(self, kind: type[SessionEvent]) -> SessionEvent:
        (event,) = [event for event in self.events if type(event) is kind]
        return event


async def test_a_session_is_told_from_its_start_to_its_end(ca: CertificateAuthority) -> None:
    notes = Notes()
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=ca.server_context(HOST)) as server:
        alices = account(server, ca, TLSMode.IMPLICIT)
        async with connect_imap(alices, observer=notes) as session:
            assert notes.kinds == IN_ORDER[:-1]
        assert session.phase is Phase.CLOSED
    assert notes.kinds == IN_ORDER
    assert {event.subject.address for event in notes.events} == {"alice@example.org"}
    assert {event.subject.endpoint for event in notes.events} == {alices.imap}
    assert len({event.subject.session for event in notes.events}) == 1
    dialled = notes.only(Dialled)
    assert isinstance(dialled, Dialled)
    assert dialled.peer == ip_address(server.address)
    logged_in = notes.only(LoggedIn)
    assert isinstance(logged_in, LoggedIn)
    assert logged_in.method is LoginMethod.PLAIN
    assert not logged_in.is_bound
    assert logged_in.protection.level is Level.CONFIDENTIAL
    assert logged_in.protection.tls_version is TLSVersion.TLS_1_3


async def test_with_starttls_the_greeting_comes_before_tls(ca: CertificateAuthority) -> None:
    notes = Notes()
    async with (
        ScriptedServer((*UPGRADED, *LEAVE), context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, TLSMode.STARTTLS), observer=notes),
    ):
        pass
    assert notes.kinds == [
        ConnectStarted,
        Dialled,
        Greeted,
        Secured,
        LoggedIn,
        SessionClosed,
    ]


@pytest.mark.parametrize("connect", [connect_pop3, connect_submission])
async def test_the_other_services_are_told_of_too(ca: CertificateAuthority, connect: Any) -> None:
    notes = Notes()
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        alices = replace(
            mailserver.account(server),
            pop3=server.endpoint(TLSMode.IMPLICIT, Service.POP3),
            submission=server.endpoint(TLSMode.IMPLICIT, Service.SUBMISSION),
        )
        async with connect(alices, observer=notes):
            pass
    assert notes.kinds == IN_ORDER


async def test_bytes_are_those_on_the_wire(ca: CertificateAuthority) -> None:
    notes = Notes()
    async with ScriptedServer((*UPGRADED, *LEAVE), context=ca.server_context(HOST)) as server:
        async with connect_imap(account(server, ca, TLSMode.STARTTLS), observer=notes):
            pass
        await server.finished.wait()
    assert notes.only(Greeted).traffic == Traffic(received=len(b"* OK hi\r\n"), sent=0)
    sent = [event.traffic.sent for event in notes.events]
    assert sent == sorted(sent)
    assert sent[-1] == len(server.raw)


async def test_durations_are_those_of_the_steps(ca: CertificateAuthority) -> None:
    notes = Notes()
    loop = asyncio.get_running_loop()
    async with ScriptedServer((*IMPLICIT, *LEAVE), context=ca.server_context(HOST)) as server:
        before_s = loop.time()
        async with connect_imap(account(server, ca, TLSMode.IMPLICIT), observer=notes):
            took_s = loop.time() - before_s
    durations = [event.duration_s for event in notes.events[:-1]]
    assert all(duration_s >= 0 for duration_s in durations)
    assert 0 < sum(durations) <= took_s


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


async def test_abort_is_told_as_a_close(ca: CertificateAuthority) -> None:
    notes = Notes()
    async with ScriptedServer((*IMPLICIT, Hang()), context=ca.server_context(HOST)) as server:
        session = await connect_imap(account(server, ca, TLSMode.IMPLICIT), observer=notes)
        session.abort()
        await session.aclose()
    assert notes.kinds == IN_ORDER


async def test_an_observer_that_raises_is_logged_once_and_the_session_goes_on(
    ca: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    def observer(_event: Event) -> None:
        raise RuntimeError("I am broken")

    with caplog.at_level(logging.ERROR):
        async with (
            ScriptedServer((*IMPLICIT, *LEAVE), context=ca.server_context(HOST)) as server,
            connect_imap(account(server, ca, TLSMode.IMPLICIT), observer=observer) as session,
        ):
            assert session.phase is Phase.AUTHENTICATED
    (record,) = caplog.records
    assert record.name == "securemail.events"
    assert "I am broken" in caplog.text


async def test_an_observer_that_wants_to_be_awaited_is_refused(ca: CertificateAuthority) -> None:
    async def observer(_event: Event) -> None:
        """Never run."""

    async with ScriptedServer(()) as server:
        alices = account(server, ca, TLSMode.IMPLICIT)
        with pytest.raises(UsageError):
            await connect_imap(alices, observer=observer)  # type: ignore[arg-type]


async def test_a_password_that_the_server_echoes_is_in_no_event(ca: CertificateAuthority) -> None:
    words = Send(b"{tag} NO no such password: hunter2\r\n")
    notes = Notes()
    script = (StartTLS(), TLS_GREETING, PLAIN, words, Hang())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        alices = account(server, ca, TLSMode.IMPLICIT, credentials=Password("alice", "hunter2"))
        with pytest.raises(AuthenticationError):
            await connect_imap(alices, observer=notes)
    assert "hunter2" not in repr(notes.events)
    assert "no such" not in repr(notes.events)
