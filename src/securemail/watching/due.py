"""When a server is asked next, however often the wait for it is cancelled."""

from __future__ import annotations

import asyncio


class Due:
    """A time of the loop's clock, at first now.

    A program may iterate over a watch with short time-outs. A wait that began anew each time would
    never end: nothing would be polled, and a line that is half open would never be noticed.
    """

    def __init__(self) -> None:
        self._at = 0.0

    def put_off(self, wait_s: float) -> None:
        """Be due in `wait_s` seconds."""
        self._at = _now() + wait_s

    def hasten(self, wait_s: float) -> float:
        """Be due in `wait_s` seconds at the latest, and return how many are left."""
        now = _now()
        self._at = min(self._at, now + wait_s)
        return max(0.0, self._at - now)

    @property
    def left_s(self) -> float:
        """How many seconds are left, 0 when it is due."""
        return max(0.0, self._at - _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
