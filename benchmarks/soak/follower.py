"""A program that watches one mailbox or several, is cancelled, and goes on from its cursors."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak.truth import Told
from benchmarks.soak.watcher import ended

from securemail import (
    Account,
    Connected,
    Cursor,
    MailboxChanged,
    Rhythm,
    SecureMailError,
    Timeouts,
    UIDValidityChanged,
    UsageError,
    WatchEvent,
    watch,
    watch_all,
)


@dataclass(slots=True)
class Hall:
    """What all of them share; `events` is how many they have told in all."""

    rhythm: Rhythm
    timeouts: Timeouts
    chance: random.Random
    events: int = 0
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Follower:
    """Watches `names`: its INBOX by `watch()`, several by `watch_all()`."""

    account: Account
    names: list[str]
    hall: Hall
    cursors: dict[str, Cursor] = field(default_factory=dict)
    told: dict[str, Told] = field(init=False)
    _task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.told = {name: Told() for name in self.names}

    async def run(self) -> None:
        """Watch until cancelled; whoever is interrupted begins anew."""
        while True:
            self._task = asyncio.create_task(self._follow())
            try:
                await asyncio.wait({self._task})
            finally:
                await ended(self._task)
            await asyncio.sleep(self.hall.chance.uniform(0, 2))

    def interrupt(self) -> None:
        """Cancel the program in the middle of whatever it is doing."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self) -> None:
        try:
            async for name, event in self._events():
                self._note(name, event)
        except SecureMailError as error:
            if isinstance(error, UsageError):
                raise
            self.hall.counts[f"ended: {type(error).__name__}"] += 1

    async def _events(self) -> AsyncIterator[tuple[str, WatchEvent]]:
        hall = self.hall
        how: dict[str, Any] = {"rhythm": hall.rhythm, "timeouts": hall.timeouts}
        if self.names == ["INBOX"]:
            async with watch(self.account, since=self.cursors.get("INBOX"), **how) as events:
                async for event in events:
                    yield "INBOX", event
            return
        async with watch_all(self.account, self.names, since=self.cursors, **how) as pairs:
            async for name, event in pairs:
                yield name, event

    def _note(self, name: str, event: WatchEvent) -> None:
        """Take note of an event and of its cursor, with nothing in between."""
        self.hall.events += 1
        self.hall.counts[type(event).__name__] += 1
        match event:
            case Connected(is_pushed=True):
                self.hall.counts["Connected, and pushed"] += 1
            case MailboxChanged(_, new, expunged, flags):
                self.told[name].note(self.hall.events, new, expunged, flags)
            case UIDValidityChanged():
                self.told[name].made_anew += 1
        if isinstance(event.cursor, Cursor):
            self.cursors[name] = event.cursor
