"""Every way to log in that a real Dovecot has, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ClientCertificate,
    Endpoint,
    OAuthToken,
    Password,
    Secret,
    SecureMailError,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
    connect_imap,
)
from securemail.aio.exchange import Line, run_mechanism
from securemail.sasl import XOAuth2
from securemail.testing import CertificateAuthority
from tests.servers.dovecot import DovecotWorld

pytestmark = pytest.mark.dovecot

BOTH = pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])


def account(world: DovecotWorld, tls: TLSMode, credentials: Any) -> Account:
    port = world.imaps_port if tls is TLSMode.IMPLICIT else world.imap_port
    return Account(
        "alice@example.test",
        imap=Endpoint(world.host, port, tls, addresses=[world.address]),
        credentials=credentials,
        trust=TrustStore.from_pem(world.ca_pem),
    )


async def way(world: DovecotWorld, tls: TLSMode, credentials: Any) -> tuple[str | None, list[str]]:
    """Log in; return what worked, and what was refused before."""
    async with connect_imap(account(world, tls, credentials)) as session:
        assert (await session.client.select("INBOX")).result == "OK"
        refused = [a.mechanism for a in session.login_attempts if "FAILED" in a.answer]
        return session.authenticated_by, refused


def fetching(tokens: list[str]) -> Callable[[], Any]:
    """Return a fetch that gives one token after the other."""

    async def fetch() -> str:
        return tokens.pop(0)

    return fetch


@BOTH
@pytest.mark.parametrize(
    "mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
)
async def test_a_password_logs_in_by_each_mechanism(
    dovecot_world: DovecotWorld, tls: TLSMode, mechanism: str
) -> None:
    mine = Password("alice", dovecot_world.passwords["alice"], mechanisms=[mechanism])
    assert await way(dovecot_world, tls, mine) == (mechanism, [])


@BOTH
async def test_a_wrong_password_is_sent_once(dovecot_world: DovecotWorld, tls: TLSMode) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await connect_imap(account(dovecot_world, tls, Password("alice", "wrong")))
    answers = {attempt.mechanism: attempt.answer for attempt in caught.value.attempts}
    assert "AUTHENTICATIONFAILED" in answers["SCRAM-SHA-256"]
    assert "has compared the password" in answers["SCRAM-SHA-1"]
    assert "has compared the password" in answers["PLAIN"]


async def test_a_password_that_is_stored_as_a_hash_logs_in_by_plain_after_all(
    dovecot_world: DovecotWorld,
) -> None:
    mine = Password("carol", dovecot_world.passwords["carol"])
    worked, refused = await way(dovecot_world, TLSMode.IMPLICIT, mine)
    assert worked == "PLAIN"
    assert refused == ["SCRAM-SHA-256", "SCRAM-SHA-1"]


@BOTH
async def test_a_token_logs_in_by_oauthbearer(dovecot_world: DovecotWorld, tls: TLSMode) -> None:
    fetch = fetching([dovecot_world.token("alice")])
    assert await way(dovecot_world, tls, OAuthToken("alice", fetch)) == ("OAUTHBEARER", [])


@BOTH
@pytest.mark.parametrize("valid_s", [3600, -60])
async def test_a_token_goes_by_xoauth2_too(
    dovecot_world: DovecotWorld, tls: TLSMode, valid_s: int
) -> None:
    """Dovecot offers OAUTHBEARER beside it, so that no account would get there."""
    mine = account(dovecot_world, tls, OAuthToken("alice", fetching([])))
    session = await SecureSession.open(mine, Service.IMAP)
    if tls is TLSMode.STARTTLS:
        await session.starttls()
    await session.discover()
    limit = partial(session._clock.limit, "command")
    line = Line(session._connection.ask, limit, lambda *_: True)
    token = Secret(dovecot_world.token("alice", valid_s=valid_s))
    outcome = await run_mechanism(line, XOAuth2("alice", token))
    assert (outcome.verdict is None) == (valid_s > 0)
    assert valid_s > 0 or "status" in outcome.words
    session.abort()
    await session.aclose()


async def test_an_expired_token_is_fetched_anew(dovecot_world: DovecotWorld) -> None:
    tokens = [dovecot_world.token("alice", valid_s=-60), dovecot_world.token("alice")]
    worked, refused = await way(
        dovecot_world, TLSMode.IMPLICIT, OAuthToken("alice", fetching(tokens))
    )
    assert (worked, refused) == ("OAUTHBEARER", ["OAUTHBEARER"])


async def test_a_token_that_stays_expired_is_tried_twice_and_no_more(
    dovecot_world: DovecotWorld,
) -> None:
    tokens = [dovecot_world.token("alice", valid_s=-60 * n) for n in (1, 2, 3)]
    mine = account(dovecot_world, TLSMode.IMPLICIT, OAuthToken("alice", fetching(tokens)))
    with pytest.raises(AuthenticationError, match="invalid_token") as caught:
        await connect_imap(mine)
    assert len(caught.value.attempts) == 2
    assert len(tokens) == 1


async def test_a_token_of_somebody_else_is_refused(dovecot_world: DovecotWorld) -> None:
    fetch = fetching([dovecot_world.token("alice"), dovecot_world.token("alice")])
    mine = account(dovecot_world, TLSMode.IMPLICIT, OAuthToken("bob", fetch))
    with pytest.raises(SecureMailError) as caught:
        await connect_imap(mine)
    assert isinstance(caught.value, AuthenticationError)


@BOTH
async def test_a_certificate_of_an_issuer_that_dovecot_does_not_name_stays(
    dovecot_world: DovecotWorld, tls: TLSMode
) -> None:
    stranger = ClientCertificate.from_pem(CertificateAuthority().client_pem("alice"))
    mine = replace(account(dovecot_world, tls, None), client_certificate=stranger)
    with pytest.raises(AuthenticationError) as caught:
        await connect_imap(mine)
    (attempt,) = caught.value.attempts
    assert attempt.mechanism == "EXTERNAL"
    assert "no issuer of its chain" in attempt.answer
