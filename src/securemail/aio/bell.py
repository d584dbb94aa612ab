"""An event that costs nothing as long as nobody waits for it."""

from __future__ import annotations

import asyncio


class Bell:
    """An `asyncio.Event` that is made when somebody waits, and goes when nobody does any more.

    Its queue takes 760 bytes, and thousands of sessions at rest have a few of these each.
    """

    __slots__ = ("_event", "_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = False
        self._event: asyncio.Event | None = None
        self._waiting = 0

    def is_set(self) -> bool:
        """Return whether `wait` returns at once."""
        return self._is_set

    def set(self) -> None:
        """Wake whoever waits, and whoever comes until `clear`."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        """Let those wait who come from now on."""
        self._is_set = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> None:
        """Return once it is set, or was set since."""
        if self._is_set:
            return
        event = self._event = self._event or asyncio.Event()
        self._waiting += 1
        try:
            await event.wait()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._event = None
