"""Logging in by SASL at an honest server: what is chosen, bound and recorded."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import Any

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
    ProtocolError,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    connect_imap,
)
from securemail.sasl import Scram
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.mailserver import account, offering, serve
from tests.session.scripts import HOST, phase_of, refused
from tests.session.scripts import account as scripted_account

SCRAMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
PLUS = tuple(f"{name}-PLUS" for name in SCRAMS)
TLS12 = ssl.TLSVersion.TLSv1_2


def answers(error: AuthenticationError) -> dict[str, str]:
    return {attempt.mechanism: attempt.answer for attempt in error.attempts}


@pytest.mark.parametrize("has_ir", [True, False])
@pytest.mark.parametrize("mechanism", [*SCRAMS, "PLAIN", "LOGIN", "CRAM-MD5"])
async def test_each_mechanism_logs_in(
    ca: CertificateAuthority, mechanism: str, has_ir: bool
) -> None:
    named = Password("alice", "secret", mechanisms=[mechanism])
    async with (
        serve(ca, offering(mechanism, sasl_ir=has_ir)) as server,
        connect_imap(account(server, credentials=named)) as session,
    ):
        assert session.authenticated_by == mechanism
        assert session.channel_binding is None
        assert session.login_attempts == ()


@pytest.mark.parametrize("mechanism", PLUS)
async def test_on_tls12_a_login_is_bound_to_the_certificate(
    ca: CertificateAuthority, mechanism: str
) -> None:
    offer = offering(mechanism, "SCRAM-SHA-256", "PLAIN", maximum_version=TLS12)
    async with serve(ca, offer) as server, connect_imap(account(server)) as session:
        assert session.authenticated_by == mechanism
        assert session.channel_binding == "tls-server-end-point"


async def test_a_server_that_says_it_has_no_such_binding_gets_a_login_without_and_it_is_recorded(
    ca: CertificateAuthority,
) -> None:
    """Python's ssl has no tls-exporter: on TLS 1.3 the MailServer is such a server."""
    async with (
        serve(ca, offering(*PLUS[1:], *SCRAMS)) as server,
        connect_imap(account(server)) as session,
    ):
        assert session.authenticated_by == "SCRAM-SHA-512"
        assert session.channel_binding is None
        tried = {attempt.mechanism: attempt.answer for attempt in session.login_attempts}
    assert "unsupported-channel-binding-type" in tried["SCRAM-SHA-256-PLUS"]
    assert "not run: the server has no such binding" in tried["SCRAM-SHA-1-PLUS"]


async def test_a_policy_that_requires_a_binding_takes_no_login_without(
    ca: CertificateAuthority,
) -> None:
    policy = Policy(require_channel_binding=True)
    async with serve(ca, offering(PLUS[1], SCRAMS[1], "PLAIN")) as server:
        with pytest.raises(AuthenticationError) as caught:
            await connect_imap(account(server, policy=policy))
    assert "policy requires" in answers(caught.value)["SCRAM-SHA-256"]
    assert "policy requires" in answers(caught.value)["PLAIN"]


async def test_a_wrong_password_is_proved_once_and_shown_to_nobody(
    ca: CertificateAuthority,
) -> None:
    wrong = Password("alice", "wrong")
    async with serve(ca, offering(*SCRAMS, "PLAIN")) as server:
        with pytest.raises(AuthenticationError) as caught:
            await connect_imap(account(server, credentials=wrong))
    assert "invalid-proof" in answers(caught.value)["SCRAM-SHA-512"]
    for name in (*SCRAMS[1:], "PLAIN"):
        assert "has compared the password" in answers(caught.value)[name]


async def test_external_follows_a_wrong_password(
    ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    mine = Password("alice", "wrong")
    async with (
        serve(ca, offering("SCRAM-SHA-256", "EXTERNAL")) as server,
        connect_imap(account(server, credentials=mine, client_certificate=alice)) as session,
    ):
        assert session.authenticated_by == "EXTERNAL"
        assert "invalid-proof" in str(session.login_attempts)


async def test_a_login_that_failed_closes_the_session(ca: CertificateAuthority) -> None:
    async with serve(ca, offering("SCRAM-SHA-256")) as server:
        mine = account(server, credentials=Password("alice", "wrong"))
        session = await SecureSession.open(mine, Service.IMAP)
        with pytest.raises(AuthenticationError):
            await session.authenticate()
        await session.aclose()
        assert phase_of(session) is Phase.CLOSED


async def test_a_yes_that_was_not_believed_stays_without_effect(ca: CertificateAuthority) -> None:
    script = (
        StartTLS(),
        Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hi\r\n"),
        Expect(rb"\w+ AUTHENTICATE SCRAM-SHA-256 \S+"),
        Send(b"{tag} OK [CAPABILITY IMAP4rev1] welcome\r\n"),
        Hang(),
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = scripted_account(server, ca, TLSMode.IMPLICIT)
        session = await SecureSession.open(mine, Service.IMAP)
        with pytest.raises(AuthenticationError, match="did not prove"):
            await session.authenticate()
        with pytest.raises(SecureMailError):
            await session.authenticate()
        with pytest.raises(SecureMailError):
            _ = session.client
        assert session.authenticated_by is None
        assert phase_of(session) is Phase.CLOSED
        await session.aclose()
        await server.finished.wait()
    assert server.plaintext.count(b"\n") == 1


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (Hang(), DeadlineError),
        (Close(), ConnectError),
        (Send(b"* BYE too many of you\r\n"), ConnectError),
        (Send(b"+ not base64!\r\n"), ProtocolError),
        (Send(b"+ " + b"A" * 20_000 + b"\r\n"), LimitExceeded),
        (Send(b"* 1 EXISTS\r\n" * 100), LimitExceeded),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_an_error_of_the_line_names_the_mechanism(
    ca: CertificateAuthority, end: Step, kind: type[SecureMailError]
) -> None:
    script = (
        StartTLS(),
        Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hi\r\n"),
        Expect(rb"\w+ AUTHENTICATE SCRAM-SHA-256 \S+"),
        end,
        Close(),
    )
    timeouts = Timeouts(command=0.1 if isinstance(end, Hang) else 5)
    error, _ = await refused(script, ca, tls=TLSMode.IMPLICIT, timeouts=timeouts)
    assert type(error) is kind
    assert str(error).startswith("SCRAM-SHA-256: ")


async def test_the_key_is_derived_off_the_event_loop(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    prove = Scram._prove

    def noted(self: Scram, text: str) -> Any:
        threads.append(threading.current_thread())
        return prove(self, text)

    monkeypatch.setattr(Scram, "_prove", noted)
    offer = offering("SCRAM-SHA-256", scram_iterations=10_000)
    async with serve(ca, offer) as server, connect_imap(account(server)):
        assert threads
        assert threading.main_thread() not in threads


async def test_a_cancelled_derivation_closes_the_session(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    prove = Scram._prove

    def slow(self: Scram, text: str) -> Any:
        begun.set()
        may_end.wait()
        return prove(self, text)

    monkeypatch.setattr(Scram, "_prove", slow)
    async with serve(ca, offering("SCRAM-SHA-256")) as server:
        session = await SecureSession.open(account(server), Service.IMAP)
        login = asyncio.ensure_future(session.authenticate())
        await asyncio.to_thread(begun.wait)
        login.cancel()
        with pytest.raises(asyncio.CancelledError):
            await login
        assert phase_of(session) is Phase.CLOSED
        may_end.set()
        await session.aclose()
