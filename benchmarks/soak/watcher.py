"""A program that watches one mailbox, is cancelled, and goes on from the cursor that it stored."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TextIO

from securemail import (
    Account,
    Connected,
    Cursor,
    Lost,
    MailboxChanged,
    MaildropChanged,
    MaildropCursor,
    Rhythm,
    SecureMailError,
    Timeouts,
    UIDValidityChanged,
    UsageError,
    WatchEvent,
    watch,
)
from securemail.events import Observer


@dataclass(slots=True)
class Desk:
    """What all watches of the program share. What they hear goes to a file at once."""

    heard: TextIO
    rhythm: Rhythm
    timeouts: Timeouts
    observer: Observer
    chance: random.Random
    up: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Watcher:
    """One mailbox. `stored` is the cursor as a program would have it in its database."""

    user: str
    account: Account
    stored: str
    desk: Desk
    _task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Watch until cancelled; whoever is interrupted begins anew."""
        while True:
            self._task = asyncio.create_task(self._follow())
            try:
                await asyncio.wait({self._task})
            except asyncio.CancelledError:
                self._task.cancel()
                await asyncio.wait({self._task})
                raise
            if not self._task.cancelled() and (error := self._task.exception()) is not None:
                raise error
            self.desk.up.discard(self.user)
            await asyncio.sleep(self.desk.chance.uniform(0, 2))

    def interrupt(self) -> None:
        """Cancel the program in the middle of whatever it is doing."""
        if self._task is not None:
            self._task.cancel()

    @property
    def cursor(self) -> Cursor | MaildropCursor:
        """Where it has come to."""
        kind = MaildropCursor if self.account.imap is None else Cursor
        return kind.from_json(json.loads(self.stored))

    async def _follow(self) -> None:
        desk = self.desk
        events = watch(
            self.account,
            since=self.cursor,
            rhythm=desk.rhythm,
            timeouts=desk.timeouts,
            observer=desk.observer,
        )
        try:
            async with events:
                async for event in events:
                    self._note(event)
        except SecureMailError as error:
            # Somebody would have to act; here it is begun anew. The observer has heard of it.
            if isinstance(error, UsageError):
                raise

    def _note(self, event: WatchEvent) -> None:
        """Take note of an event and of its cursor, with nothing in between."""
        self._count(event)
        for line in lines(self.user, event):
            self.desk.heard.write(f"{line}\n")
        if event.cursor is not None:
            self.stored = json.dumps(event.cursor.to_json())

    def _count(self, event: WatchEvent) -> None:
        desk = self.desk
        desk.counts[type(event).__name__] += 1
        match event:
            case Connected():
                desk.up.add(self.user)
            case Lost():
                desk.up.discard(self.user)


def lines(user: str, event: WatchEvent) -> list[str]:
    """Return an event as `account` reads it."""
    match event:
        case MailboxChanged(cursor, new, expunged):
            told = [("n", new), ("e", expunged)]
            return [f"{what} {user} {cursor.uidvalidity} {uids}" for what, uids in told if uids]
        case UIDValidityChanged(cursor):
            return [f"v {user} {cursor.uidvalidity} {cursor.uidnext}"]
        case MaildropChanged(new=new):
            return [f"m {user} {' '.join(new)}"]
        case _:
            return []


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
