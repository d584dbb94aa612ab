"""A Postfix that is killed while it takes a message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from securemail import (
    ConnectError,
    Phase,
    TLSMode,
    UnknownOutcome,
    connect_submission,
)
from tests.servers.postfix import PostfixWorld
from tests.servers.submission import account, letter

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix]

BIG = 30 * 1000 * 1000


async def test_a_server_killed_in_the_middle_of_the_data_has_accepted_nothing(
    own_postfix: PostfixWorld,
) -> None:
    mine = account(own_postfix, "postfix", TLSMode.IMPLICIT)
    big = b"From: a@b.test\r\n\r\n" + (b"x" * 76 + b"\r\n") * (BIG // 78)
    async with connect_submission(mine) as session:
        sent = asyncio.create_task(
            session.client.submit(big, sender="a@b.test", recipients="bob@example.test")
        )
        queue = own_postfix.directory / "queue" / "incoming"
        # A file in the queue makes no event.
        while not any(path.is_file() for path in queue.rglob("*")):  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0)
        own_postfix.kill()
        with pytest.raises(ConnectError):
            await sent
        assert session.phase is Phase.CLOSED


async def test_a_server_killed_after_the_end_of_the_data_leaves_the_outcome_unknown(
    own_postfix: PostfixWorld,
) -> None:
    mine = account(own_postfix, "postfix", TLSMode.IMPLICIT)
    async with connect_submission(mine) as session:
        exchange, is_sent = session.client._exchange, asyncio.Event()
        end_of_data = exchange._end_of_data

        async def watched(reply_s: float | None) -> Any:
            asyncio.get_running_loop().call_soon(is_sent.set)
            return await end_of_data(reply_s)

        exchange._end_of_data = watched  # type: ignore[method-assign]  # watched from here
        slow = session.client.submit(letter("lost?"), sender="slow@example.test")
        sending = asyncio.create_task(slow)
        await is_sent.wait()
        own_postfix.kill()
        with pytest.raises(UnknownOutcome) as caught:
            await sending
        assert caught.value.recipients == ("bob@example.test",)
        assert isinstance(caught.value.__cause__, ConnectError)
