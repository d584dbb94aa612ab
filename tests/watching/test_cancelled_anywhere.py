"""A program that is cancelled at any moment goes on from the cursor that it stored."""

from __future__ import annotations

import asyncio
from typing import Any

from securemail import Account
from securemail.testing import MailServer
from securemail.uids import UIDSet
from securemail.watching import Cursor, MailboxChanged, MaildropChanged, MaildropCursor
from tests.watching.worlds import account, pop3_account, until, watching

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"


class Program:
    """Stores the cursor of each event together with what the event said."""

    def __init__(self, mine: Account, stored: dict[str, object]) -> None:
        self.account = mine
        self.stored = stored
        self.told: list[Any] = []

    async def run(self, *, count: int) -> None:
        """Watch until so many messages were told in all."""
        kind = Cursor if self.account.imap else MaildropCursor
        async with watching(self.account, since=kind.from_json(self.stored)) as events:
            while len(self.told) < count:
                event = await until(events, MailboxChanged | MaildropChanged)  # type: ignore[arg-type]  # a union is a type to isinstance
                self.told += list(event.new)
                self.stored = event.cursor.to_json()


async def cancelled_at_each_moment(program: Program, server: MailServer) -> None:
    for number, turns in enumerate(range(0, 150, 15), 1):
        server.store.deliver("alice", MESSAGE)
        running = asyncio.create_task(program.run(count=number))
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})
    await program.run(count=number)
    await server.wait_quiet()


async def test_a_watch_that_is_cancelled_anywhere_misses_nothing_and_repeats_nothing(
    server: MailServer,
) -> None:
    program = Program(account(server), Cursor(1, 1, None, UIDSet()).to_json())
    await cancelled_at_each_moment(program, server)
    assert program.told == list(range(1, 11))


async def test_the_same_by_pop3(server: MailServer) -> None:
    program = Program(pop3_account(server), MaildropCursor(b"").to_json())
    await cancelled_at_each_moment(program, server)
    assert program.told == [f"1.{uid}" for uid in range(1, 11)]
