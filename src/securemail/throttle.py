"""How many connections may be in the making at once: per host, and in all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from securemail.errors import UsageError

# 200 TLS handshakes at once kept an event loop busy for 60 to 230 ms (Python 3.11.7, 2 cores).
_PER_HOST: Final = 10
_IN_ALL: Final = 40

_of_loops: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Throttle]] = WeakKeyDictionary()


@dataclass(slots=True)
class _Queue:
    """Who waits for a place of one host, and how many have one."""

    waiting: OrderedDict[asyncio.Future[None], None] = field(default_factory=OrderedDict)
    in_flight: int = 0


class Throttle:
    """A limit on connections in the making, for all pools and watches of one event loop.

    From the dial to the login a connection holds one of `per_host` places of its host and one of
    `in_all`; whoever comes later waits, in order. So the restart of a server with thousands of
    sessions is no storm. A place that becomes free goes to the host that has the fewest: servers
    that do not answer hold theirs for as long as they can, and must not keep the others' clients
    out. `in_flight` is how many there are now, `peak` the most there have been.

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
        # Whoever was served last is last: of hosts that have equally many the first is next.
        self._hosts: OrderedDict[str, _Queue] = OrderedDict()

    @classmethod
    def of_loop(cls) -> Throttle:
        """Return the one that pools and watches of this event loop share where none is given."""
        loop = asyncio.get_running_loop()
        if (shared := _of_loops.get(loop)) is None:
            shared = _of_loops[loop] = cls()
        return shared

    @asynccontextmanager
    async def connecting(self, host: str) -> AsyncIterator[None]:
        """Wait for a place, and hold it inside the block."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hosts.setdefault(host, _Queue()).waiting[place] = None
        self._serve()
        try:
            await place
            yield
        finally:
            # It may have come in the very moment in which its owner gave up.
            self._leave(host, place)

    def _leave(self, host: str, place: asyncio.Future[None]) -> None:
        queue = self._hosts[host]
        if place.done() and not place.cancelled():
            queue.in_flight -= 1
            self.in_flight -= 1
        queue.waiting.pop(place, None)
        if not queue.waiting and not queue.in_flight:
            del self._hosts[host]
        self._serve()

    def _serve(self) -> None:
        while self.in_flight < self.in_all and (host := self._next()) is not None:
            queue = self._hosts[host]
            place, _ = queue.waiting.popitem(last=False)
            if place.cancelled():
                continue  # its task has not run since
            place.set_result(None)
            queue.in_flight += 1
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            self._hosts.move_to_end(host)

    def _next(self) -> str | None:
        """Return the host whose turn it is, None where nobody may go on."""
        waiting = (host for host, queue in self._hosts.items() if queue.waiting)
        host = min(waiting, key=lambda each: self._hosts[each].in_flight, default=None)
        return None if host is None or self._hosts[host].in_flight >= self.per_host else host
