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
    Event,
    Level,
    Password,
    Phase,
    Service,
    TLSMode,
    TLSVersion,
    UsageError,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from securemail.events import (
    ConnectStarted,
    Dialled,
    Greeted,
    LoggedIn,
    LoginMethod,
    Secured,
    SessionClosed,
    Traffic,
)
from securemail.testing import (
    CertificateAuthority,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
    StartTLS,
)
from tests.session import mailserver
from tests.session.notes import IN_ORDER, Notes
from tests.session.scripts import (
    HOST,
    IMPLICIT,
    LEAVE,
    PLAIN,
    TLS_GREETING,
    UPGRADED,
    account,
)


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
            await connect_imap(alices, observer=observer)  # type: ignore[arg-type]  # the point


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
