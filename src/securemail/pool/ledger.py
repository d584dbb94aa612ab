"""Who has which session, and who is next: the pool's book-keeping. No I/O here."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Generic, TypeVar

from securemail.pool.values import PoolLimits

KeyT = TypeVar("KeyT", bound=Hashable)
SessionT = TypeVar("SessionT")
TicketT = TypeVar("TicketT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Kept(Generic[SessionT]):
    """A session of the pool; `made_at` and `idle_since` are times of the loop's clock."""

    session: SessionT
    made_at: float
    idle_since: float


@dataclass(frozen=True, slots=True)
class Place(Generic[SessionT]):
    """Leave to use a session: the one in `kept`, or else one that is to be connected.

    `evicted` has to be closed first: its place it is.
    """

    kept: Kept[SessionT] | None = None
    evicted: SessionT | None = None


@dataclass(slots=True)
class _Shelf(Generic[SessionT, TicketT]):
    """The sessions of one account and service: `places` are taken, `idle` of them free to use.

    `tickets` wait, each with its number; `listed` is the number by which the host's queue has them.
    """

    host: str
    places: int = 0
    idle: list[Kept[SessionT]] = field(default_factory=list)
    tickets: OrderedDict[TicketT, int] = field(default_factory=OrderedDict)
    listed: int | None = None


@dataclass(slots=True)
class _Host(Generic[KeyT, SessionT, TicketT]):
    """All shelves of a host: how many there are, and those of which places are taken.

    `queue` is a heap of keys by the number of the first who waits. A key that has all that it may
    have is not in it, and comes back when one of its sessions does.
    """

    shelves: int = 0
    places: int = 0
    taken: dict[KeyT, _Shelf[SessionT, TicketT]] = field(default_factory=dict)
    queue: list[tuple[int, KeyT]] = field(default_factory=list)


class Ledger(Generic[KeyT, SessionT, TicketT]):
    """Places per key and per host, and those who wait for one, in the order in which they came.

    A key is an account and a service. Whoever gets a place gives it back by `put` with a session,
    or by `drop` without one; then `served` says whose turn it is. What that costs does not depend
    on how many wait, but for the logarithm of the keys.
    """

    def __init__(self, limits: PoolLimits) -> None:
        self._limits: Final = limits
        self._shelves: dict[KeyT, _Shelf[SessionT, TicketT]] = {}
        self._hosts: dict[str, _Host[KeyT, SessionT, TicketT]] = {}
        self._numbers: Final = count()

    # --- coming and going

    def wait(self, key: KeyT, host: str, ticket: TicketT) -> None:
        """Join the queue; call `served` next."""
        self._shelf(key, host).tickets[ticket] = next(self._numbers)
        self._list(key)

    def leave(self, key: KeyT, ticket: TicketT) -> None:
        """Give up waiting."""
        if (shelf := self._shelves.get(key)) is not None:
            shelf.tickets.pop(ticket, None)
            self._tidy(key)

    def served(
        self, host: str, is_gone: Callable[[TicketT], bool]
    ) -> Iterator[tuple[TicketT, Place[SessionT]]]:
        """Yield those who may go on now. First come, first served; nobody waits for another key.

        `is_gone` tells who has given up and not left yet: a place would be lost on them.
        """
        queue = self._hosts[host].queue if host in self._hosts else []
        while queue:
            number, key = heapq.heappop(queue)
            shelf = self._shelves.get(key)
            if shelf is None or shelf.listed != number:
                continue
            shelf.listed = None
            while shelf.tickets and is_gone(ticket := next(iter(shelf.tickets))):
                del shelf.tickets[ticket]
            if next(iter(shelf.tickets.values()), None) != number:
                self._list(key)
                continue
            place = self._take(key)
            if place is not None:
                ticket, _ = shelf.tickets.popitem(last=False)
                self._list(key)
                yield ticket, place
            elif shelf.places < self._limits.maximum:
                # The host is full, and nobody's session there is idle: nothing for anybody.
                self._list(key)
                return

    def put(self, key: KeyT, kept: Kept[SessionT]) -> None:
        """Give a session back to be used again."""
        self._shelves[key].idle.append(kept)
        self._list(key)

    def drop(self, key: KeyT) -> None:
        """Give a place back whose session is gone, or never was."""
        shelf = self._shelves[key]
        host = self._hosts[shelf.host]
        shelf.places -= 1
        host.places -= 1
        if not shelf.places:
            del host.taken[key]
        self._list(key)
        self._tidy(key)

    def _take(self, key: KeyT) -> Place[SessionT] | None:
        shelf = self._shelves[key]
        if shelf.idle:
            # The last one used: the others may then grow old enough to be closed.
            return Place(kept=shelf.idle.pop())
        if shelf.places >= self._limits.maximum:
            return None
        evicted = None
        if self._hosts[shelf.host].places >= self._limits.per_host:
            evicted = self._evict(shelf.host)
            if evicted is None:
                return None
        self._enter(key)
        return Place(evicted=evicted)

    def _enter(self, key: KeyT) -> None:
        shelf = self._shelves[key]
        host = self._hosts[shelf.host]
        shelf.places += 1
        host.places += 1
        host.taken[key] = shelf

    def _evict(self, host: str) -> SessionT | None:
        shelves = [(key, shelf) for key, shelf in self._hosts[host].taken.items() if shelf.idle]
        if not shelves:
            return None
        key, shelf = min(shelves, key=lambda each: each[1].idle[0].idle_since)
        session = shelf.idle.pop(0).session
        self.drop(key)
        return session

    def _shelf(self, key: KeyT, host: str) -> _Shelf[SessionT, TicketT]:
        if key not in self._shelves:
            self._shelves[key] = _Shelf(host)
            self._hosts.setdefault(host, _Host()).shelves += 1
        return self._shelves[key]

    def _list(self, key: KeyT) -> None:
        """Have the first who waits for `key` in the queue of its host."""
        shelf = self._shelves[key]
        if shelf.tickets and shelf.listed is None:
            shelf.listed = next(iter(shelf.tickets.values()))
            heapq.heappush(self._hosts[shelf.host].queue, (shelf.listed, key))

    def _tidy(self, key: KeyT) -> None:
        shelf = self._shelves[key]
        if shelf.places or shelf.tickets:
            return
        del self._shelves[key]
        self._hosts[shelf.host].shelves -= 1
        if not self._hosts[shelf.host].shelves:
            del self._hosts[shelf.host]

    # --- upkeep

    def too_old(
        self, now: float, is_dead: Callable[[SessionT], bool]
    ) -> list[tuple[KeyT, SessionT]]:
        """Take out the idle sessions that are dead or too old, or idle for too long.

        `drop` each next.
        """
        limits = self._limits
        out: list[tuple[KeyT, SessionT]] = []
        for key, shelf in self._shelves.items():
            spare = shelf.places - limits.minimum
            stay = []
            for kept in shelf.idle:
                has_idled = now - kept.idle_since >= limits.idle and spare > 0
                has_aged = now - kept.made_at >= limits.maximum_age
                if has_idled or has_aged or is_dead(kept.session):
                    spare -= 1
                    out.append((key, kept.session))
                else:
                    stay.append(kept)
            shelf.idle = stay
        return out

    def reserve(self, key: KeyT, host: str) -> bool:
        """Take a place that is missing from the minimum, if nobody must make room for it."""
        shelf = self._shelf(key, host)
        is_full = self._hosts[host].places >= self._limits.per_host
        if shelf.places >= self._limits.minimum or is_full:
            self._tidy(key)
            return False
        self._enter(key)
        return True

    # --- what there is

    @property
    def tickets(self) -> list[TicketT]:
        """Those who wait."""
        return [ticket for shelf in self._shelves.values() for ticket in shelf.tickets]

    @property
    def idle(self) -> int:
        """How many sessions nobody uses."""
        return sum(len(shelf.idle) for shelf in self._shelves.values())

    @property
    def places(self) -> int:
        """How many places are taken, idle sessions included."""
        return sum(host.places for host in self._hosts.values())

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(shelf.tickets) for shelf in self._shelves.values())
