"""Watches and pools tell why they connect again, and that they do not any more."""

from __future__ import annotations

from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ConnectError,
    Endpoint,
    Event,
    OAuthToken,
    Password,
    Phase,
    PoolLimits,
    Service,
    SessionPool,
    TLSMode,
    TrustStore,
    UsageError,
)
from securemail.events import Failure, Reconnecting, Stopped
from securemail.reconnect import Backoff, Reason
from securemail.testing import (
    CertificateAuthority,
    Close,
    MailServer,
    ScriptedServer,
    Send,
    StartTLS,
)
from securemail.watching import Connected, Lost, watch
from tests.session.scripts import HOST
from tests.watching.test_stop_and_tell import tokens
from tests.watching.worlds import SOON, account, turns_until, until, watching

NOW = Backoff(base=1e-6, ceiling=1e-6)


class Notes(list[Any]):
    """What watches and pools told, without what sessions did."""

    def __call__(self, event: Event, /) -> None:
        if isinstance(event, Reconnecting | Stopped):
            self.append(event)

    @property
    def reasons(self) -> list[Reason]:
        return [event.reason for event in self]


async def test_a_watch_tells_why_it_connects_again(server: MailServer) -> None:
    notes = Notes()
    async with watching(account(server), observer=notes) as events:
        await until(events, Connected)
        assert notes == []
        server.kill()
        lost = await until(events, Lost)
        server.throttled["alice"] = "[UNAVAILABLE] later"
        await until(events, Lost)
        server.throttled.clear()
        await until(events, Connected)
    first, second = notes
    assert (first.reason, second.reason) == (Reason.LINE, Reason.THROTTLED)
    assert (first.failure, second.failure) == (Failure(ConnectError), Failure(AuthenticationError))
    assert first.wait_s == lost.retry_s
    assert first.up_s > second.up_s == 0
    assert first.subject == second.subject
    assert first.subject.service is Service.IMAP


async def test_a_watch_tells_that_somebody_must_act(server: MailServer) -> None:
    notes = Notes()
    mine = account(server, credentials=Password("alice", "wrong"))
    async with watching(mine, observer=notes) as events:
        with pytest.raises(AuthenticationError):
            await anext(events)
    (stopped,) = notes
    assert isinstance(stopped, Stopped)
    assert (stopped.reason, stopped.failure) == (Reason.LOGIN, Failure(AuthenticationError))
    assert "wrong" not in repr(stopped)


async def test_an_observer_that_raises_does_not_end_the_watch(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    def observer(event: Event) -> None:
        if isinstance(event, Reconnecting):
            raise RuntimeError("it is full")

    async with watching(account(server), observer=observer) as events:
        for _ in range(3):
            await until(events, Connected)
            server.kill()
            await until(events, Lost)
    assert caplog.text.count("an observer raised") == 1


def test_what_cannot_observe_is_refused_before_anything_is_connected(server: MailServer) -> None:
    async def observer(_event: Event) -> None:
        """Nobody would await it."""

    with pytest.raises(UsageError) as caught:
        watch(account(server), rhythm=SOON, observer=observer)  # type: ignore[arg-type]  # the point
    assert caught.value.field == "observer"


async def used(pool: SessionPool, server: MailServer, password: str = "secret") -> Any:
    mine = account(server, credentials=Password("alice", password))
    async with pool.session(mine, Service.IMAP) as session:
        return session


def pooled(notes: Notes, **limits: Any) -> SessionPool:
    return SessionPool(PoolLimits(**limits), backoff=NOW, observer=notes)


async def test_a_pool_tells_that_a_server_had_gone(server: MailServer) -> None:
    notes = Notes()
    async with pooled(notes) as pool:
        first = await used(pool, server)
        server.kill()
        await turns_until(lambda: first.phase is Phase.CLOSED)
        await used(pool, server)
    assert notes.reasons == [Reason.GONE]
    assert notes[0].failure is None


async def test_a_pool_tells_that_a_session_was_too_old(server: MailServer) -> None:
    notes = Notes()
    async with pooled(notes, maximum_age=1e-9) as pool:
        await used(pool, server)
        await used(pool, server)
    assert notes.reasons == [Reason.AGE]


async def test_a_pool_tells_what_the_last_try_came_to(server: MailServer) -> None:
    notes = Notes()
    server.throttled["alice"] = "[LIMIT] too many"
    async with pooled(notes) as pool:
        with pytest.raises(AuthenticationError):
            await used(pool, server)
        assert notes == []
        server.throttled.clear()
        await used(pool, server)
    assert notes.reasons == [Reason.THROTTLED]


async def test_a_pool_tells_once_that_somebody_must_act(server: MailServer) -> None:
    notes = Notes()
    async with pooled(notes) as pool:
        for _ in range(3):
            with pytest.raises(AuthenticationError):
                await used(pool, server, "wrong")
    (stopped,) = notes
    assert isinstance(stopped, Stopped)
    assert stopped.reason is Reason.LOGIN


async def test_a_session_that_is_kept_warm_and_dies_is_a_reconnect(server: MailServer) -> None:
    notes = Notes()
    async with pooled(notes, minimum=1, idle=0.01) as pool:
        await used(pool, server)
        server.kill()
        await server.wait_quiet()
        await turns_until(lambda: server.sessions == 1)
    assert notes.reasons == [Reason.GONE]


async def test_a_submission_server_that_asks_to_come_later_is_tried_again(
    ca: CertificateAuthority,
) -> None:
    notes = Notes()
    script = (StartTLS(), Send(b"421 4.3.2 come back later\r\n"), Close())
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        where = Endpoint(HOST, server.port, TLSMode.IMPLICIT, addresses=[server.address])
        mine = Account(
            "alice@example.org",
            submission=where,
            credentials=Password("alice", "secret"),
            trust=TrustStore.from_pem(ca.pem),
        )
        async with pooled(notes) as pool:
            for _ in range(3):
                with pytest.raises(ConnectError, match="come back later"):
                    async with pool.session(mine, Service.SUBMISSION):
                        pass
        assert server.connections == 3
    assert notes.reasons == [Reason.LINE] * 2


async def test_a_token_that_expired_is_fetched_anew_once_for_a_pool(
    ca: CertificateAuthority,
) -> None:
    notes = Notes()
    # A login asks twice: the first token may have expired while it was made.
    given = iter(["stale", "stale", "good", *["stale"] * 4])

    async def fetch() -> str:
        return next(given)

    async with tokens(ca) as server:
        server.tokens["good"] = "alice"
        mine = account(server, credentials=OAuthToken("alice", fetch))
        async with pooled(notes, maximum_age=1e-9) as pool:
            for works in (False, True, False, False, False):
                try:
                    async with pool.session(mine, Service.IMAP):
                        assert works
                except AuthenticationError:
                    assert not works
        # The last was told what the one before had come to, and nobody was asked.
        assert server.accepted == 4
    assert notes.reasons == [Reason.TOKEN, Reason.AGE, Reason.TOKEN, Reason.TOKEN]
    assert isinstance(notes[-1], Stopped)
