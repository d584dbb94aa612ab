"""What a watch does not try again: nothing is hammered, and no session is worth less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import (
    AuthenticationError,
    CertificateError,
    CertificateReason,
    CommandError,
    Endpoint,
    OAuthToken,
    Password,
    PolicyError,
    Shortfall,
    TLSMode,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    MailServer,
    Offer,
    ScriptedServer,
    Send,
    self_signed,
)
from securemail.watching import Connected, Lost, watch
from tests.watching.worlds import SOON, Relay, account, all_until, until, watching

STRIPPED = (
    Send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n"),
    Expect(rb"\w+ STARTTLS"),
    Send(b"{tag} NO not today\r\n"),
    Hang(),
)


async def test_a_wrong_password_is_shown_once(server: MailServer) -> None:
    mine = account(server, credentials=Password("alice", "wrong"))
    async with watching(mine) as events:
        with pytest.raises(AuthenticationError):
            await anext(events)
        assert [event async for event in events] == []
    assert server.accepted == 1


async def test_a_password_that_was_changed_meanwhile_is_shown_once(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        server.users["alice"] = "another"
        server.kill()
        await until(events, Lost)
        with pytest.raises(AuthenticationError):
            await anext(events)
        assert [event async for event in events] == []
    assert server.accepted == 2


async def test_a_certificate_that_became_invalid_ends_the_watch(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        server.show(self_signed(server.host_name))
        server.kill()
        await until(events, Lost)
        with pytest.raises(CertificateError) as caught:
            await anext(events)
        assert caught.value.reason is CertificateReason.SELF_SIGNED
        assert [event async for event in events] == []
    assert server.accepted == 2


async def test_a_certificate_that_was_renewed_is_nothing_to_tell(server: MailServer) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        server.show(server.ca.issue(server.host_name))
        server.kill()
        assert [type(event) for event in await all_until(events, Connected)] == [Lost, Connected]


async def test_a_reconnect_is_not_downgraded(server: MailServer, ca: CertificateAuthority) -> None:
    async with Relay(server.port("imap", "starttls")) as relay, ScriptedServer(STRIPPED) as thief:
        where = replace_port(server, relay)
        async with watching(account(server, imap=where)) as events:
            await until(events, Connected)
            relay.port = thief.port
            relay.drop()
            await until(events, Lost)
            with pytest.raises(PolicyError) as caught:
                await anext(events)
            assert caught.value.shortfalls == {Shortfall.NO_TLS}
            assert [event async for event in events] == []
        assert relay.accepted == 2
        await thief.finished.wait()
        assert thief.cleartext.endswith(b" STARTTLS\r\n")
        assert thief.cleartext.count(b"\r\n") == 1


def replace_port(server: MailServer, relay: Relay) -> Endpoint:
    where = server.endpoint(TLSMode.STARTTLS)
    return Endpoint(where.host, relay.endpoint_port, where.tls, addresses=where.addresses)


async def test_a_mailbox_that_does_not_exist_ends_the_watch(server: MailServer) -> None:
    events = watch(account(server), "Nowhere", rhythm=SOON)
    with pytest.raises(CommandError, match="NONEXISTENT"):
        await anext(events)
    await server.wait_quiet()
    assert server.accepted == 1


# --- tokens


def tokens(ca: CertificateAuthority) -> MailServer:
    offer = Offer(mechanisms=("OAUTHBEARER",), login=False)
    return MailServer({"alice": "x"}, ca=ca, offer=offer, tokens={"first": "alice"})


async def test_a_token_that_expired_is_fetched_anew(ca: CertificateAuthority) -> None:
    given = iter(["first", "first", "second"])

    async def fetch() -> str:
        return next(given)

    async with tokens(ca) as server:
        mine = account(server, credentials=OAuthToken("alice", fetch))
        async with watching(mine) as events:
            await until(events, Connected)
            server.tokens.clear()
            server.tokens["second"] = "alice"
            server.kill()
            assert [type(event) for event in await all_until(events, Connected)] == [
                Lost,
                Connected,
            ]


async def test_a_token_that_stays_refused_is_fetched_for_one_more_connect_and_no_more(
    ca: CertificateAuthority,
) -> None:
    async def fetch() -> str:
        return "stale"

    async with tokens(ca) as server:
        mine = account(server, credentials=OAuthToken("alice", fetch))
        async with watching(mine) as events:
            assert isinstance((await until(events, Lost)).error, AuthenticationError)
            with pytest.raises(AuthenticationError):
                await anext(events)
        assert server.accepted == 2


async def test_a_token_endpoint_that_is_away_at_night_is_asked_again(
    ca: CertificateAuthority,
) -> None:
    nights = iter([True, True, True, False])

    async def fetch() -> str:
        if next(nights):
            raise OSError("the token endpoint is away")
        return "first"

    async with tokens(ca) as server:
        mine = account(server, credentials=OAuthToken("alice", fetch))
        async with watching(mine) as events:
            seen = await all_until(events, Connected)
        assert [type(event) for event in seen] == [Lost, Lost, Lost, Connected]


def test_a_watch_cannot_be_told_another_policy(server: MailServer) -> None:
    events = watch(account(server))
    with pytest.raises(AttributeError):
        events.account.policy = replace(events.account.policy)  # type: ignore[misc]  # the point
