"""How many connections may be in the making at once: per host, and in all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from securemail.errors import UsageError

# 200 TLS handshakes at once kept an event loop busy for 60 to 230 ms (Python 3.11.7, 2 cores).
_PER_HOST: Final = 10
_IN_ALL: Final = 40

_of_loops: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Throttle]] = WeakKeyDictionary()


@dataclass(slots=True)
class _Gate:
    """The places of one host, and how many hold or await one."""

    places: asyncio.Semaphore
    users: int = 0


class Throttle:
    """A limit on connections in the making, for all pools and watches of one event loop.

    From the dial to the login a connection holds one of `per_host` places of its host and one of
    `in_all`; whoever comes later waits, in order. So the restart of a server with thousands of
    sessions is no storm. `in_flight` is how many there are now, `peak` the most there have been.

    Raises: UsageError for a limit that is not a positive number.
    """

    def __init__(self, *, per_host: int = _PER_HOST, in_all: int = _IN_ALL) -> None:
        for name, limit in (("per_host", per_host), ("in_all", in_all)):
            if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
                raise UsageError(f"{limit!r} is not a positive number", field=f"Throttle.{name}")
        self.per_host: Final = per_host
        self.in_all: Final = in_all
        self.in_flight = 0
        self.peak = 0
        self._all = asyncio.Semaphore(in_all)
        self._hosts: dict[str, _Gate] = {}

    @classmethod
    def of_loop(cls) -> Throttle:
        """Return the one that pools and watches of this event loop share where none is given."""
        return _of_loops.setdefault(asyncio.get_running_loop(), cls())

    @asynccontextmanager
    async def connecting(self, host: str) -> AsyncIterator[None]:
        """Wait for a place, and hold it inside the block."""
        gate = self._hosts.setdefault(host, _Gate(asyncio.Semaphore(self.per_host)))
        gate.users += 1
        try:
            # The host's place first: who waits for a slow host must not stand in others' way.
            async with gate.places, self._all:
                self.in_flight += 1
                self.peak = max(self.peak, self.in_flight)
                try:
                    yield
                finally:
                    self.in_flight -= 1
        finally:
            gate.users -= 1
            if not gate.users:
                del self._hosts[host]
