"""Logging in by SASL at an honest server: what is chosen, bound and recorded."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ClientCertificate,
    DeadlineError,
    OAuthToken,
    Password,
    Phase,
    Policy,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
    UsageError,
    connect_imap,
)
from securemail.sasl import Scram
from securemail.testing import CertificateAuthority, MailServer, Offer
from tests.session.scripts import phase_of

SCRAMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
PLUS = tuple(f"{name}-PLUS" for name in SCRAMS)
TLS12 = ssl.TLSVersion.TLSv1_2


def offering(*mechanisms: str, **fields: Any) -> Offer:
    return Offer(mechanisms=mechanisms, login=False, **fields)


def account(server: MailServer, **fields: Any) -> Account:
    fields.setdefault("credentials", Password("alice", "secret"))
    return Account(
        "alice@example.org",
        imap=server.endpoint(TLSMode.IMPLICIT),
        trust=TrustStore.from_pem(server.ca.pem),
        **fields,
    )


def serve(ca: CertificateAuthority, offer: Offer, **fields: Any) -> MailServer:
    return MailServer({"alice": "secret"}, ca=ca, offer=offer, **fields)


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


# --- tokens


def fetching(*tokens: str) -> tuple[Callable[[], Any], list[str]]:
    """Return a fetch that gives one of `tokens` after the other, and what it has given."""
    given: list[str] = []

    async def fetch() -> str:
        given.append(tokens[len(given)])
        return given[-1]

    return fetch, given


@pytest.mark.parametrize("has_ir", [True, False])
@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_a_token_logs_in(ca: CertificateAuthority, mechanism: str, has_ir: bool) -> None:
    fetch, given = fetching("good")
    offer = offering(mechanism, "PLAIN", sasl_ir=has_ir)
    async with (
        serve(ca, offer, tokens={"good": "alice"}) as server,
        connect_imap(account(server, credentials=OAuthToken("alice", fetch))) as session,
    ):
        assert session.authenticated_by == mechanism
        assert given == ["good"]


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_an_expired_token_is_fetched_once_more(
    ca: CertificateAuthority, mechanism: str
) -> None:
    fetch, given = fetching("stale", "good")
    async with (
        serve(ca, offering(mechanism), tokens={"good": "alice"}) as server,
        connect_imap(account(server, credentials=OAuthToken("alice", fetch))) as session,
    ):
        assert session.authenticated_by == mechanism
        assert given == ["stale", "good"]
        (attempt,) = session.login_attempts
        assert "(status " in attempt.answer


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_a_token_is_fetched_once_more_and_no_more(
    ca: CertificateAuthority, mechanism: str
) -> None:
    fetch, given = fetching("stale", "staler", "never")
    async with serve(ca, offering(mechanism)) as server:
        with pytest.raises(AuthenticationError) as caught:
            await connect_imap(account(server, credentials=OAuthToken("alice", fetch)))
    assert given == ["stale", "staler"]
    assert [attempt.mechanism for attempt in caught.value.attempts] == [mechanism] * 2


async def test_the_same_token_is_not_shown_twice(ca: CertificateAuthority) -> None:
    fetch, given = fetching("stale", "stale")
    async with serve(ca, offering("OAUTHBEARER")) as server:
        with pytest.raises(AuthenticationError) as caught:
            await connect_imap(account(server, credentials=OAuthToken("alice", fetch)))
    assert given == ["stale", "stale"]
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_a_fetch_that_raises_is_an_authentication_error_that_names_it(
    ca: CertificateAuthority, mechanism: str
) -> None:
    async def fetch() -> str:
        raise TimeoutError("the token endpoint with s3cr3t in its URL")

    async with serve(ca, offering(mechanism)) as server:
        with pytest.raises(AuthenticationError, match=f"token for {mechanism}") as caught:
            await connect_imap(account(server, credentials=OAuthToken("alice", fetch)))
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert "OAuthToken.fetch raised TimeoutError" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


async def test_a_fetch_that_hangs_ends_in_time_and_is_named(ca: CertificateAuthority) -> None:
    async def fetch() -> str:
        await asyncio.Event().wait()
        return "never"

    async with serve(ca, offering("OAUTHBEARER")) as server:
        with pytest.raises(DeadlineError, match="fetching the token for OAUTHBEARER") as caught:
            await connect_imap(
                account(server, credentials=OAuthToken("alice", fetch)),
                timeouts=Timeouts(command=0.1),
            )
    assert caught.value.phase == "command"


async def test_a_fetch_that_is_cancelled_stays_cancelled(ca: CertificateAuthority) -> None:
    is_fetching = asyncio.Event()

    async def fetch() -> str:
        is_fetching.set()
        await asyncio.Event().wait()
        return "never"

    async with serve(ca, offering("OAUTHBEARER")) as server:
        mine = account(server, credentials=OAuthToken("alice", fetch))

        async def connect() -> None:
            await connect_imap(mine)

        login = asyncio.ensure_future(connect())
        await is_fetching.wait()
        login.cancel()
        with pytest.raises(asyncio.CancelledError):
            await login
        await server.wait_quiet()


@pytest.mark.parametrize("token", ["", "Bearer good", "two\x01parts", "line\r\n", None, b"bytes"])
async def test_what_is_no_token_is_the_programs_mistake_and_not_sent(
    ca: CertificateAuthority, token: Any
) -> None:
    async def fetch() -> str:
        answer: str = token
        return answer

    async with serve(ca, offering("OAUTHBEARER")) as server:
        with pytest.raises(UsageError) as caught:
            await connect_imap(account(server, credentials=OAuthToken("alice", fetch)))
    assert caught.value.field == "OAuthToken.fetch"


async def test_a_program_may_raise_its_own_cancellation_through_fetch(
    ca: CertificateAuthority,
) -> None:
    async def fetch() -> str:
        raise asyncio.CancelledError

    async with serve(ca, offering("OAUTHBEARER")) as server:
        with pytest.raises(asyncio.CancelledError):
            await connect_imap(account(server, credentials=OAuthToken("alice", fetch)))
        await server.wait_quiet()
