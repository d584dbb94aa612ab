"""Who has which session, and who is next: the pool's book-keeping. No I/O here."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

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
class _Shelf(Generic[SessionT]):
    """The sessions of one account and service: `places` are taken, `idle` of them free to use."""

    host: str
    places: int = 0
    idle: list[Kept[SessionT]] = field(default_factory=list)


class Ledger(Generic[KeyT, SessionT, TicketT]):
    """Places per key and per host, and those who wait for one, in the order in which they came.

    A key is an account and a service. Whoever gets a place gives it back by `put` with a session,
    or by `drop` without one; then `served` says whose turn it is.
    """

    def __init__(self, limits: PoolLimits) -> None:
        self._limits = limits
        self._shelves: dict[KeyT, _Shelf[SessionT]] = {}
        self._hosts: Counter[str] = Counter()
        self._queues: dict[str, OrderedDict[TicketT, KeyT]] = {}

    # --- coming and going

    def wait(self, key: KeyT, host: str, ticket: TicketT) -> None:
        """Join the queue; call `served` next."""
        self._shelves.setdefault(key, _Shelf(host))
        self._queues.setdefault(host, OrderedDict())[ticket] = key

    def leave(self, host: str, ticket: TicketT) -> None:
        """Give up waiting."""
        queue = self._queues.get(host, OrderedDict())
        key = queue.pop(ticket, None)
        if not queue:
            self._queues.pop(host, None)
        if key is not None:
            self._tidy(key)

    def served(
        self, host: str, is_gone: Callable[[TicketT], bool]
    ) -> Iterator[tuple[TicketT, Place[SessionT]]]:
        """Yield those who may go on now. First come, first served; nobody waits for another key.

        `is_gone` tells who has given up and not left yet: a place would be lost on them.
        """
        blocked: set[KeyT] = set()
        queue = self._queues.get(host, OrderedDict())
        for ticket, key in tuple(queue.items()):
            if is_gone(ticket):
                continue
            place = None if key in blocked else self._take(key)
            if place is None:
                blocked.add(key)
                continue
            del queue[ticket]
            yield ticket, place
        if not queue:
            self._queues.pop(host, None)

    def put(self, key: KeyT, kept: Kept[SessionT]) -> None:
        """Give a session back to be used again."""
        self._shelves[key].idle.append(kept)

    def drop(self, key: KeyT) -> None:
        """Give a place back whose session is gone, or never was."""
        shelf = self._shelves[key]
        shelf.places -= 1
        self._hosts[shelf.host] -= 1
        if not self._hosts[shelf.host]:
            del self._hosts[shelf.host]
        self._tidy(key)

    def _take(self, key: KeyT) -> Place[SessionT] | None:
        shelf = self._shelves[key]
        if shelf.idle:
            # The last one used: the others may then grow old enough to be closed.
            return Place(kept=shelf.idle.pop())
        if shelf.places >= self._limits.maximum:
            return None
        evicted = None
        if self._hosts[shelf.host] >= self._limits.per_host:
            evicted = self._evict(shelf.host)
            if evicted is None:
                return None
        self._enter(shelf)
        return Place(evicted=evicted)

    def _enter(self, shelf: _Shelf[SessionT]) -> None:
        shelf.places += 1
        self._hosts[shelf.host] += 1

    def _evict(self, host: str) -> SessionT | None:
        shelves = [(key, s) for key, s in self._shelves.items() if s.host == host and s.idle]
        if not shelves:
            return None
        key, shelf = min(shelves, key=lambda each: each[1].idle[0].idle_since)
        session = shelf.idle.pop(0).session
        self.drop(key)
        return session

    def _tidy(self, key: KeyT) -> None:
        shelf = self._shelves[key]
        is_awaited = key in self._queues.get(shelf.host, OrderedDict()).values()
        if not shelf.places and not is_awaited:
            del self._shelves[key]

    def dismiss(self) -> list[TicketT]:
        """Let nobody wait any more, and return who did."""
        tickets = [ticket for queue in self._queues.values() for ticket in queue]
        for host in tuple(self._queues):
            for ticket in tuple(self._queues[host]):
                self.leave(host, ticket)
        return tickets

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

    def take_idle(self) -> list[tuple[KeyT, SessionT]]:
        """Take out every idle session; `drop` each next."""
        out = [(key, kept.session) for key, shelf in self._shelves.items() for kept in shelf.idle]
        for shelf in self._shelves.values():
            shelf.idle = []
        return out

    def reserve(self, key: KeyT, host: str) -> bool:
        """Take a place that is missing from the minimum, if nobody must make room for it."""
        shelf = self._shelves.setdefault(key, _Shelf(host))
        is_full = self._hosts[host] >= self._limits.per_host
        if shelf.places >= self._limits.minimum or is_full:
            self._tidy(key)
            return False
        self._enter(shelf)
        return True

    @property
    def idle(self) -> int:
        """How many sessions nobody uses."""
        return sum(len(shelf.idle) for shelf in self._shelves.values())

    @property
    def places(self) -> int:
        """How many places are taken, idle sessions included."""
        return self._hosts.total()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._queues.values()))
