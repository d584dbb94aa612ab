"""The second session: it fills, flags and empties the mailboxes that are watched."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak.truth import Done

from securemail import Account, SecureMailError, Service, SessionPool, keep_trying
from securemail.uids import UIDSet

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"


@dataclass(slots=True)
class Second:
    """Sessions of one's own, past the relay. What a killed server did not answer is not known."""

    pool: SessionPool
    happened: Counter[str]
    done: dict[tuple[str, str], Done] = field(default_factory=dict)

    async def prepare(self, account: Account, names: list[str]) -> None:
        """Make the mailboxes."""
        async with self.pool.session(account, Service.IMAP) as session:
            for name in names:
                self.done[account.address, name] = Done()
                if name != "INBOX":
                    await session.client.create(name)

    async def deliver(self, account: Account, name: str) -> None:
        """Append a message, which may or may not be there if the line is lost."""
        await self._do("delivered", account, lambda client: client.append(MESSAGE, mailbox=name))

    async def expunge(self, account: Account, name: str, chance: random.Random) -> None:
        """Expunge a message."""

        async def work(client: Any) -> None:
            if uid := await _any(client, name, chance):
                self.done[account.address, name].expunged.add(uid)
                await client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
                await client.expunge()

        await self._do("expunged", account, work)

    async def flag(self, account: Account, name: str, chance: random.Random, events: Any) -> None:
        """Set a flag of a message and take it away: one of the two has changed something."""

        async def work(client: Any) -> None:
            if uid := await _any(client, name, chance):
                await client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Flagged)")
                before = events()
                answer = await client.uid("store", str(uid), "-FLAGS.SILENT", r"(\Flagged)")
                if answer.result == "OK":
                    self.done[account.address, name].flagged[uid] = before + 1

        await self._do("flagged", account, work)

    async def present(self, account: Account, name: str) -> UIDSet:
        """Return what is there."""

        async def work() -> UIDSet:
            async with self.pool.session(account, Service.IMAP) as session:
                return UIDSet.of(await _uids(session.client, name))

        return await keep_trying(work)

    async def _do(self, what: str, account: Account, work: Any) -> None:
        try:
            async with asyncio.timeout(10), self.pool.session(account, Service.IMAP) as session:
                await work(session.client)
        except (SecureMailError, TimeoutError):
            self.happened[f"{what}, or not: the server did not answer"] += 1
        else:
            self.happened[what] += 1


async def _uids(client: Any, name: str) -> list[int]:
    await client.select(name)
    return [int(uid) for uid in (await client.uid_search("ALL")).lines[0].split()]


async def _any(client: Any, name: str, chance: random.Random) -> int | None:
    uids = await _uids(client, name)
    return chance.choice(uids) if uids else None
