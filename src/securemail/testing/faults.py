"""What can go wrong on the way between a client and a server, as data. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail.testing.framing import StepFinder
from securemail.testing.steps import Reset


class Side(Enum):
    """Whose octets a fault is about."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class AtByte:
    """Just before the octet `offset` of that side; the first one is 0."""

    offset: int


@dataclass(frozen=True, slots=True)
class AtStep:
    """Just before the step `number` of that side, or `plus` octets into it; the first is 0.

    A step is a line, and from the first TLS record on a record.
    """

    number: int
    plus: int = 0


@dataclass(frozen=True, slots=True)
class Delay:
    """Hold the octet, and all that follow, for so many seconds; then go on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Let nothing more pass that way, for ever. The connection stays up."""


@dataclass(frozen=True, slots=True)
class Cut:
    """End both directions with a FIN. What is still said is recorded, and goes nowhere."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """End this direction with a FIN; the other one goes on."""


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Flip the bits of `mask` in that octet; all others pass as they are."""

    mask: int = 0xFF


@dataclass(frozen=True, slots=True)
class Split:
    """From there on, let one octet pass at a time, each in a segment of its own."""


Place = AtByte | AtStep
Action = Delay | Stall | Cut | Truncate | Reset | Corrupt | Split


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, and where in the octets of one `side`.

    It strikes when the octet at its place comes by; `Reset` resets both ends. `connection` is the
    number of the only connection that it strikes, the first being 0; None is each of them.
    """

    action: Action
    at: Place
    side: Side = Side.SERVER
    connection: int | None = None


class Flow:
    """The octets of one side on one connection, and what the faults make of them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.finder: Final = StepFinder()
        self.struck: Final[list[Fault]] = []
        self._faults = list(faults)

    def feed(self, data: bytes) -> list[bytes | Fault]:
        """Return what shall happen, in order: octets that pass, and faults that strike."""
        base = self.finder.offset
        self.finder.feed(data)
        orders: list[bytes | Fault] = []
        passed = 0
        for offset, fault in self._due():
            index = offset - base
            orders.append(data[passed:index])
            passed = index
            if isinstance(fault.action, Corrupt):
                orders.append(bytes([data[index] ^ fault.action.mask]))
                passed += 1
            orders.append(fault)
        orders.append(data[passed:])
        self.struck.extend(order for order in orders if isinstance(order, Fault))
        return [order for order in orders if order != b""]

    def _due(self) -> list[tuple[int, Fault]]:
        """Take out the faults whose place has come by, in the order of their places."""
        placed = [(self._offset(fault.at), fault) for fault in self._faults]
        end = self.finder.offset
        due = [(at, fault) for at, fault in placed if at is not None and at < end]
        for _, fault in due:
            self._faults.remove(fault)
        return sorted(due, key=lambda each: each[0])

    def _offset(self, place: Place) -> int | None:
        if isinstance(place, AtByte):
            return place.offset
        starts = self.finder.starts
        return starts[place.number] + place.plus if place.number < len(starts) else None
