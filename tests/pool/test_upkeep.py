"""What a pool does while nobody asks it for a session."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from securemail.pool import PoolLimits, SessionPool
from securemail.testing import MailServer
from securemail.throttle import Throttle
from tests.pool.test_pool import account, limited, used
from tests.watching.worlds import turns_until


async def test_sessions_that_nobody_uses_are_closed(server: MailServer) -> None:
    async with limited(idle=0.01) as pool:
        await used(pool, account(server))
        await server.wait_quiet()
        assert pool.statistics.idle == 0


async def test_the_minimum_is_kept_up_when_the_server_was_restarted(server: MailServer) -> None:
    async with limited(minimum=2, idle=0.01) as pool:
        await used(pool, account(server))
        await turns_until(lambda: pool.statistics.idle == 2)
        server.kill()
        await server.wait_quiet()
        await turns_until(lambda: server.sessions == 2)


class Faulty(Throttle):
    """A program's own throttle, with a bug in its second connect."""

    asked = 0

    @asynccontextmanager
    async def connecting(self, host: str) -> AsyncIterator[None]:
        self.asked += 1
        if self.asked == 2:
            raise RuntimeError("a bug")
        async with super().connecting(host):
            yield


async def test_upkeep_goes_on_after_a_bug_and_tells_of_it(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = Faulty()
    numbers = PoolLimits(minimum=2, idle=0.01)
    async with SessionPool(numbers, throttle=throttle) as pool:
        await used(pool, account(server))
        await turns_until(lambda: pool.statistics.idle == 2)
    assert throttle.asked == 3
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("securemail.pool", logging.ERROR)
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)
