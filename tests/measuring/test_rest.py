"""What rests costs nothing: with many sessions at rest, no timer of ours wakes the event loop."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

import pytest

from securemail import Account, Password, SecureSession, Service, TLSMode, TrustStore
from securemail.pool import SessionPool
from securemail.testing import MailServer
from securemail.watching import Connected, watch
from tests.watching.worlds import until

Scene = Callable[[AsyncExitStack, Account], Awaitable[None]]

COUNT: Final = 10
MEASURED_S: Final = 2.0
TURNS: Final = 1000


class CountingSelector(selectors.DefaultSelector):
    """Counts how often the loop is woken after it has gone to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.wakeups = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout)
        self.wakeups += timeout is None or timeout > 0
        return events


def accounts(server: MailServer) -> list[Account]:
    return [
        Account(
            f"{user}@example.org",
            credentials=Password(user, "secret"),
            trust=TrustStore.from_pem(server.ca.pem),
            imap=server.endpoint(TLSMode.IMPLICIT),
            pop3=server.endpoint(TLSMode.IMPLICIT, Service.POP3),
            submission=server.endpoint(TLSMode.IMPLICIT, Service.SUBMISSION),
        )
        for user in server.users
    ]


async def held(stack: AsyncExitStack, mine: Account) -> None:
    for service in Service:
        await stack.enter_async_context(await SecureSession.connect(mine, service))


async def idling(stack: AsyncExitStack, mine: Account) -> None:
    session = await stack.enter_async_context(await SecureSession.connect(mine, Service.IMAP))
    await session.client.select("INBOX")
    await session.client.idle_start()


async def watched(stack: AsyncExitStack, mine: Account) -> None:
    events = await stack.enter_async_context(watch(mine))
    await until(events, Connected)


async def pooled(stack: AsyncExitStack, mine: Account) -> None:
    pool = await stack.enter_async_context(SessionPool())
    async with pool.session(mine, Service.IMAP):
        pass


async def wakeups(selector: CountingSelector, scene: Scene) -> int:
    users = {f"user{number}": "secret" for number in range(COUNT)}
    async with MailServer(users) as server, AsyncExitStack() as stack:
        for mine in accounts(server):
            await scene(stack, mine)
        # What was sent is read, and every task has come to rest.
        for _ in range(TURNS):
            await asyncio.sleep(0)
        before = selector.wakeups
        await asyncio.sleep(MEASURED_S)
        return selector.wakeups - before


@pytest.mark.parametrize("scene", [held, idling, watched, pooled], ids=lambda each: each.__name__)
def test_nothing_wakes_the_loop_but_the_timer_that_ends_the_measurement(scene: Scene) -> None:
    selector = CountingSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        assert runner.run(wakeups(selector, scene)) == 1
