"""Who may connect, after connecting has failed. No I/O here."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from securemail import limits
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

    What may mend is tried again after a back-off, what somebody must mend is not. Bounded, since a
    program may make its accounts anew, each with a token function of its own: the keys that nobody
    has asked for the longest go first.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._bars: OrderedDict[KeyT, Bar] = OrderedDict()

    def bar(self, key: KeyT) -> Bar | None:
        """Return what became of the last connect, None where it has worked."""
        return self._bars.get(key)

    def error(self, key: KeyT, now: float) -> SecureMailError | None:
        """Return why nobody may connect now, None where somebody may."""
        bar = self.bar(key)
        if bar is None or now >= bar.until:
            return None
        self._bars.move_to_end(key)
        return bar.error

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
        self._bars.move_to_end(key)
        if len(self._bars) > limits.POOL_FAILURES:
            self._bars.popitem(last=False)
        return plan

    def forget(self, key: KeyT) -> None:
        """Begin anew: a connect has worked, or somebody has mended what was wrong."""
        self._bars.pop(key, None)
