"""To do something again until it works, where that may help."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from securemail.errors import SecureMailError
from securemail.reconnect import Backoff, Setback, Trouble, again

_dice: Final = secrets.SystemRandom()

ResultT = TypeVar("ResultT")


async def keep_trying(
    work: Callable[[], Awaitable[ResultT]],
    *,
    has_token: bool = False,
    backoff: Backoff | None = None,
    on_failure: Callable[[SecureMailError, float], object] | None = None,
) -> ResultT:
    """Return what `work()` returns, called again after each error that may mend by itself.

        async def send() -> Submitted:
            async with pool.session(account, Service.SUBMISSION) as session:
                return await session.client.submit(message)

        done = await keep_trying(send, on_failure=lambda error, wait_s: print(error))

    Which errors those are is `remedy()`'s matter, how long is waited in between `backoff`'s (full
    jitter). `on_failure` is told each of them and the seconds until the next try. With `has_token`
    a refused login is tried once more, with the token that `OAuthToken.fetch` returns then. There
    is no end to it: for one, put `asyncio.timeout()` around it.

    Raises: every other error of `work`: those after which somebody must act, UnknownOutcome, and
    all that is no SecureMailError.
    """
    trouble = Trouble()
    while True:
        try:
            return await work()
        except SecureMailError as exc:
            setback = Setback(exc, up_s=0.0, has_token=has_token)
            plan = again(trouble, setback, backoff=backoff or Backoff(), chance=_dice.random())
            if plan is None:
                raise
            if on_failure is not None:
                on_failure(exc, plan.wait_s)
        trouble = plan.trouble
        await asyncio.sleep(plan.wait_s)
