"""Sessions of a pool, on the embedded server."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ConnectError,
    DeadlineError,
    Password,
    Phase,
    Policy,
    Proxy,
    ProxyKind,
    SecureSession,
    Service,
    TLSMode,
    UsageError,
)
from securemail.pool import PoolLimits, SessionPool
from securemail.reconnect import Backoff
from securemail.testing import MailServer
from securemail.throttle import Throttle
from tests.watching.worlds import account as imap_account
from tests.watching.worlds import turns_until

IMAP = Service.IMAP


def account(server: MailServer, user: str = "alice", **fields: Any) -> Account:
    return imap_account(
        server,
        credentials=Password(user, fields.pop("password", "secret")),
        submission=server.endpoint(TLSMode.IMPLICIT, service=Service.SUBMISSION),
        pop3=server.endpoint(TLSMode.IMPLICIT, service=Service.POP3),
        **fields,
    )


def limited(**fields: Any) -> SessionPool:
    return SessionPool(PoolLimits(**fields), backoff=Backoff(base=0.001, ceiling=0.001))


async def used(pool: SessionPool, mine: Account, service: Service = IMAP) -> SecureSession[Any]:
    async with pool.session(mine, service) as session:
        return session


@pytest.mark.parametrize("service", [Service.IMAP, Service.SUBMISSION])
@pytest.mark.parametrize("check_after", [1e-9, 1000.0])
async def test_a_session_is_used_again(
    server: MailServer, service: Service, check_after: float
) -> None:
    async with limited(check_after=check_after) as pool:
        first = await used(pool, account(server), service)
        assert await used(pool, account(server), service) is first
        numbers = pool.statistics
        assert (numbers.connected, numbers.reused, numbers.idle, numbers.leased) == (1, 1, 1, 0)
    assert server.accepted == 1
    await server.wait_quiet()


async def test_an_account_with_another_policy_has_sessions_of_its_own(server: MailServer) -> None:
    async with limited() as pool:
        first = await used(pool, account(server))
        stricter = account(server, policy=Policy(require_channel_binding=False))
        assert await used(pool, stricter) is first
        with pytest.raises(AuthenticationError):
            await used(pool, account(server, policy=Policy(require_channel_binding=True)))


async def test_a_session_goes_to_no_other_account(server: MailServer) -> None:
    async with limited() as pool:
        assert await used(pool, account(server)) is not await used(pool, account(server, "bob"))
        assert server.accepted == 2


async def test_a_session_is_not_handed_out_on_another_way_to_the_server(
    server: MailServer,
) -> None:
    async with limited() as pool:
        first = await used(pool, account(server))
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            for kind in ProxyKind:
                proxy = Proxy(kind, *nobody.getsockname())
                with pytest.raises(ConnectError) as caught:
                    await used(pool, account(server, proxy=proxy))
                assert caught.value.phase == "proxy"
        assert await used(pool, account(server)) is first


async def test_a_session_that_the_server_closed_is_never_handed_out(server: MailServer) -> None:
    async with limited(check_after=1000.0) as pool:
        first = await used(pool, account(server))
        server.kill()
        await server.wait_quiet()
        await turns_until(lambda: first.phase is Phase.CLOSED)
        async with pool.session(account(server), IMAP) as second:
            assert second is not first
            assert (await second.client.noop()).result == "OK"
        assert pool.statistics.failed_checks == 1


async def test_a_session_that_died_unnoticed_fails_its_check_and_is_replaced(
    server: MailServer,
) -> None:
    async with limited(check_after=1e-9) as pool:
        first = await used(pool, account(server))
        server.kill()
        # Nothing has run since that could have told the client.
        async with pool.session(account(server), IMAP) as second:
            assert second is not first
            assert (await second.client.noop()).result == "OK"


async def test_a_session_whose_user_failed_is_never_handed_out(server: MailServer) -> None:
    async with limited() as pool:
        for error in (ValueError, asyncio.CancelledError, TimeoutError):
            with pytest.raises(error):
                async with pool.session(account(server), IMAP) as first:
                    raise error
            assert first.phase is Phase.CLOSED
        assert pool.statistics.poisoned == 3
        assert pool.statistics.idle == 0


async def test_a_session_on_which_something_is_under_way_is_never_handed_out(
    server: MailServer,
) -> None:
    async with limited() as pool:
        async with pool.session(account(server), IMAP) as first:
            await first.client.select("INBOX")
            idle = await first.client.idle_start()
        assert first.phase is Phase.CLOSED
        with pytest.raises(ConnectError):
            await idle
        assert pool.statistics.idle == 0


async def test_a_transaction_that_was_begun_by_hand_ends_with_its_user(
    server: MailServer,
) -> None:
    async with limited(check_after=1e-9) as pool:
        async with pool.session(account(server), Service.SUBMISSION) as first:
            await first.client.mail("alice@example.org")
        async with pool.session(account(server), Service.SUBMISSION) as second:
            assert second is first
            await second.client.mail("alice@example.org")


async def test_pop3_sessions_are_not_kept(server: MailServer) -> None:
    async with limited() as pool:
        async with pool.session(account(server), Service.POP3) as first:
            assert (await first.client.stat()).messages == 0
        server.store.deliver("alice", b"Subject: x\r\n\r\nx\r\n")
        async with pool.session(account(server), Service.POP3) as second:
            assert (await second.client.stat()).messages == 1
        assert second is not first


async def test_a_session_that_is_too_old_is_replaced(server: MailServer) -> None:
    async with limited(maximum_age=1e-9) as pool:
        first = await used(pool, account(server))
        assert await used(pool, account(server)) is not first


async def test_whoever_waits_is_served_in_order_and_within_the_maximum(server: MailServer) -> None:
    most, order = 0, []

    async def use(number: int, pool: SessionPool) -> None:
        nonlocal most
        async with pool.session(account(server), IMAP) as session:
            order.append(number)
            most = max(most, pool.statistics.leased)
            await session.client.noop()

    async with limited(maximum=2) as pool:
        await asyncio.gather(*(use(number, pool) for number in range(12)))
        assert pool.statistics.connected == 2
    assert most == 2
    assert sorted(order[:2]) == [0, 1]
    assert order[2:] == list(range(2, 12))


async def test_a_host_has_no_more_sessions_than_its_limit_over_all_accounts(
    server: MailServer,
) -> None:
    async with limited(per_host=1) as pool:
        await used(pool, account(server))
        await used(pool, account(server, "bob"))
        assert pool.statistics.evicted == 1
        assert pool.statistics.idle == 1


async def test_nobody_waits_for_ever(server: MailServer) -> None:
    async with limited(maximum=1, wait=0.01) as pool, pool.session(account(server), IMAP):
        with pytest.raises(DeadlineError) as caught:
            await used(pool, account(server))
        assert caught.value.phase == "pool"
        assert pool.statistics.waiting == 0


async def test_a_password_that_was_refused_is_not_shown_again_by_anybody(
    server: MailServer,
) -> None:
    wrong = account(server, password="wrong")
    async with limited(maximum=3) as pool:
        tries = (used(pool, wrong) for _ in range(20))
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert {type(answer) for answer in answers} == {AuthenticationError}
        # Those that were on their way at once, and no more.
        assert server.accepted <= 3
        before = server.accepted
        with pytest.raises(AuthenticationError):
            await used(pool, wrong)
        assert server.accepted == before
        pool.forget(wrong)
        with pytest.raises(AuthenticationError):
            await used(pool, wrong)
        assert server.accepted == before + 1


async def test_who_is_cancelled_at_any_moment_takes_no_place_away(server: MailServer) -> None:
    async with limited(maximum=2, check_after=1e-9) as pool:
        for turns in range(0, 100, 2):
            tasks = [asyncio.create_task(used(pool, account(server))) for _ in range(4)]
            for _ in range(turns):
                await asyncio.sleep(0)
            tasks[0].cancel()
            tasks[2].cancel()
            await asyncio.wait(tasks)
            assert pool.statistics.leased == 0
            assert pool.statistics.waiting == 0
            assert pool.statistics.idle <= 2
            await tasks[1]
            await tasks[3]
    await server.wait_quiet()


async def test_a_pool_that_is_closed_closes_what_is_in_use_and_who_waits_hears_of_it(
    server: MailServer,
) -> None:
    pool = limited(maximum=1)
    async with pool, pool.session(account(server), IMAP) as session:
        waiting = asyncio.create_task(used(pool, account(server)))
        await asyncio.sleep(0)
        await pool.aclose()
        assert session.phase is Phase.CLOSED
        numbers = pool.statistics
        assert (numbers.idle, numbers.leased, numbers.waiting) == (0, 0, 0)
        with pytest.raises(ConnectError, match="the pool was closed"):
            await waiting
    with pytest.raises(UsageError):
        await used(pool, account(server))
    await server.wait_quiet()


async def test_a_pool_is_opened_before_it_is_used_and_only_once(server: MailServer) -> None:
    pool = limited()
    with pytest.raises(UsageError):
        await used(pool, account(server))
    async with pool:
        pass
    with pytest.raises(UsageError):
        async with pool:
            pass


async def test_connects_go_through_the_throttle(server: MailServer) -> None:
    throttle = Throttle(per_host=1, in_all=1)
    async with SessionPool(throttle=throttle) as pool:
        await asyncio.gather(*(used(pool, account(server)) for _ in range(4)))
    assert throttle.peak == 1
