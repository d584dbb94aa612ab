"""Who may connect, after connecting has failed. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from securemail.aio.fresh import fresh
from securemail.errors import SecureMailError
from securemail.reconnect import Backoff, Setback, Trouble, again

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class _Bar:
    error: SecureMailError
    until: float
    trouble: Trouble


class Breaker(Generic[KeyT]):
    """Remembers failures: a hundred tasks must not try a wrong password a hundred times.

    What may mend is tried again after a back-off, what somebody must mend is not.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._bars: dict[KeyT, _Bar] = {}

    def error(self, key: KeyT, now: float) -> SecureMailError | None:
        """Return why nobody may connect now, None where somebody may."""
        bar = self._bars.get(key)
        return bar.error if bar is not None and now < bar.until else None

    def failed(self, key: KeyT, setback: Setback, *, now: float, chance: float) -> None:
        """Take note of a connect that failed; `chance` is a random number from 0 up to 1."""
        bar = self._bars.get(key)
        trouble = bar.trouble if bar else Trouble()
        plan = again(trouble, setback, backoff=self._backoff, chance=chance)
        error = fresh(setback.error)
        # Its frames would hold the connection for as long as this is remembered.
        error.__cause__ = None
        if plan is None:
            self._bars[key] = _Bar(error, math.inf, trouble)
        else:
            self._bars[key] = _Bar(error, now + plan.wait_s, plan.trouble)

    def forget(self, key: KeyT) -> None:
        """Begin anew: a connect has worked, or somebody has mended what was wrong."""
        self._bars.pop(key, None)
