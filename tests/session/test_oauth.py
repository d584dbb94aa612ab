"""Logging in with access tokens: fetched, shown once, fetched anew once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from securemail import (
    AuthenticationError,
    DeadlineError,
    OAuthToken,
    Timeouts,
    UsageError,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
)
from tests.session.mailserver import account, offering, serve


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
