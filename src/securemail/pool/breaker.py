"""Who may connect, after connecting has failed. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from securemail.aio.fresh import fresh
from securemail.errors import SecureMailError
from securemail.reconnect import Again, Backoff, Reason, Setback, Trouble, again, reason

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a connect failed, and until when nobody may try again."""

    error: SecureMailError
    reason: Reason
    until: float
    trouble: Trouble


class Breaker(Generic[KeyT]):
    """Remembers failures: a hundred tasks must not try a wrong password a hundred times.

    What may mend is tried again after a back-off, what somebody must mend is not.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._bars: dict[KeyT, Bar] = {}

    def bar(self, key: KeyT) -> Bar | None:
        """Return what became of the last connect, None where it has worked."""
        return self._bars.get(key)

    def error(self, key: KeyT, now: float) -> SecureMailError | None:
        """Return why nobody may connect now, None where somebody may."""
        bar = self.bar(key)
        return bar.error if bar is not None and now < bar.until else None

    def failed(self, key: KeyT, setback: Setback, *, now: float, chance: float) -> Again | None:
        """Take note of a connect that failed, and return when the next may be made, if ever.

        `chance` is a random number from 0 up to 1.
        """
        bar = self._bars.get(key)
        trouble = bar.trouble if bar else Trouble()
        plan = again(trouble, setback, backoff=self._backoff, chance=chance)
        why = reason(setback.error, has_token=setback.has_token)
        error = fresh(setback.error)
        # Its frames would hold the connection for as long as this is remembered.
        error.__cause__ = None
        until = math.inf if plan is None else now + plan.wait_s
        self._bars[key] = Bar(error, why, until, trouble if plan is None else plan.trouble)
        return plan

    def forget(self, key: KeyT) -> None:
        """Begin anew: a connect has worked, or somebody has mended what was wrong."""
        self._bars.pop(key, None)
