"""A bounded amount of work in each turn of an event loop; what is more waits for the next one.

A server that comes back, or goes, makes thousands of sockets ready at once, and an event loop deals
with all of them in one turn: with 2,000 that was 220 to 380 ms in which nothing else happened.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

_TURN_S: Final = 0.005

_of_loops: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Turns]] = WeakKeyDictionary()


class Turns:
    """The work of all connections on one event loop."""

    __slots__ = ("_is_scheduled", "_spent_s", "_waiting")

    def __init__(self) -> None:
        self._spent_s = 0.0
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_scheduled = False

    @property
    def is_over(self) -> bool:
        """Whether what comes now has to wait for the next turn."""
        return self._is_scheduled

    def did(self, since_s: float) -> None:
        """Count the work that was begun at `since_s` on `time.perf_counter()`."""
        # Counted over several turns, if they are short: nothing is scheduled for most of them.
        self._spent_s += time.perf_counter() - since_s
        if self._spent_s > _TURN_S and not self._is_scheduled:
            self._schedule()

    def later(self, work: Callable[[], None]) -> None:
        """Do `work` behind all that waits already."""
        self._waiting.append(work)

    def _schedule(self) -> None:
        self._is_scheduled = True
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._spent_s, self._is_scheduled = 0.0, False
        try:
            while self._waiting and not self._is_scheduled:
                since_s = time.perf_counter()
                self._waiting.popleft()()
                self.did(since_s)
        finally:
            if self._waiting and not self._is_scheduled:
                self._schedule()


def turns() -> Turns:
    """Return those of the running loop."""
    return _of_loops.setdefault(asyncio.get_running_loop(), Turns())
