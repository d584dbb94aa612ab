"""What was learnt from the DNS and still holds, and look-ups that share their work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class TTLCache(Generic[KeyT, ValueT]):
    """Values that each hold for some seconds; of more than `entries`, the oldest go."""

    entries: int
    _kept: dict[KeyT, tuple[float, ValueT]] = field(default_factory=dict)

    def get(self, key: KeyT) -> tuple[ValueT, int] | None:
        """Return a value and for how many seconds it still holds, or None."""
        end, value = self._kept.get(key, (0.0, None))
        left = int(end - time.monotonic())
        return (value, left) if value is not None and left > 0 else None

    def put(self, key: KeyT, value: ValueT, ttl_s: int) -> None:
        """Keep a value; one that does not hold at all is not kept."""
        self._kept.pop(key, None)
        if ttl_s > 0:
            self._kept[key] = (time.monotonic() + ttl_s, value)
        while len(self._kept) > self.entries:
            del self._kept[next(iter(self._kept))]

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(slots=True)
class _Running(Generic[ValueT]):
    task: asyncio.Task[ValueT]
    waiting: int = 0


@dataclass(slots=True)
class Shared(Generic[KeyT, ValueT]):
    """Runs a piece of work once for all who want it at the same time.

    Who is cancelled leaves the others their result; with the last one the work ends.
    """

    # By loop as well: one resolver may serve several, and a task belongs to one.
    _running: dict[tuple[object, KeyT], _Running[ValueT]] = field(default_factory=dict)

    async def run(self, key: KeyT, work: Callable[[], Coroutine[Any, Any, ValueT]]) -> ValueT:
        """Return what `work` does, or what the same work that is under way does."""
        place = (asyncio.get_running_loop(), key)
        running = self._running.get(place)
        if running is None:
            running = _Running(asyncio.create_task(work()))
            self._running[place] = running
            running.task.add_done_callback(lambda task: self._forget(place, task))
        running.waiting += 1
        try:
            return await asyncio.shield(running.task)
        finally:
            running.waiting -= 1
            if not running.waiting and not running.task.done():
                self._running.pop(place, None)
                running.task.cancel()
                await asyncio.wait({running.task})

    def _forget(self, place: tuple[object, KeyT], task: asyncio.Task[ValueT]) -> None:
        running = self._running.get(place)
        if running is not None and running.task is task:
            del self._running[place]
        if not task.cancelled():
            task.exception()  # nobody may be left to take it
