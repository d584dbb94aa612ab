"""What the servers of this process could do when they were seen last: in memory, and bounded."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from securemail import limits
from securemail.aio.sessions import now
from securemail.minimum import Policy
from securemail.policy.assumption import Seen, Standing, may_assume
from securemail.proof import Proof
from securemail.tls.resumption import SessionKey

_LIFETIME: Final = dt.timedelta(seconds=limits.RESUMPTION_S)
# What Python needs for a short text, and for its place in a set.
_NAME_BYTES: Final = 128
_BARRED: Final = dt.timedelta(seconds=limits.RESUMPTION_BARRED_S)


class Known:
    """What was seen, by key; those not seen for longest go first.

    A server that says something else each time is barred for an hour: else each connection to it
    would cost two. The lock is for programs with several event loops.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[SessionKey, tuple[Seen | None, dt.datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seen)

    def keep(self, key: SessionKey, seen: Seen | None, now: dt.datetime) -> None:
        """Keep `seen`; None bars the server."""
        with self._lock:
            self._seen[key] = (seen, now)
            self._seen.move_to_end(key)
            while len(self._seen) > limits.RESUMABLE_SERVERS:
                self._seen.popitem(last=False)

    def is_barred(self, key: SessionKey, now: dt.datetime) -> bool:
        """Return whether nothing is to be kept for `key`."""
        seen, at = self._seen.get(key, (None, None))
        # A clock that was set back must not bar it for longer, nor make what was seen younger.
        return seen is None and at is not None and dt.timedelta(0) <= now - at < _BARRED

    def get(self, key: SessionKey, now: dt.datetime) -> Seen | None:
        """Return what was seen not too long ago."""
        seen, at = self._seen.get(key, (None, now))
        return seen if dt.timedelta(0) <= now - at < _LIFETIME else None


@dataclass(frozen=True, slots=True)
class KnownServer:
    """What is known of one server in the service of one account."""

    known: Known
    key: SessionKey
    policy: Policy
    clock: Callable[[], dt.datetime] = now

    def recall(self, proof: Proof) -> frozenset[str] | None:
        """Return what it could do when it had proved the same as now, or None."""
        seen = self.known.get(self.key, self.clock())
        if seen is None or not may_assume(self.policy, proof):
            return None
        return seen.capabilities if seen.standing == Standing.of(proof) else None

    def remember(self, proof: Proof, capabilities: frozenset[str]) -> None:
        """Keep what it has said inside the TLS that has left `proof`, unless that is too much."""
        today = self.clock()
        size = sum(len(name) + _NAME_BYTES for name in capabilities)
        if size > limits.REMEMBERED_BYTES or not may_assume(self.policy, proof):
            return
        if not self.known.is_barred(self.key, today):
            self.known.keep(self.key, Seen(capabilities, Standing.of(proof)), today)

    def bar(self) -> None:
        """Assume nothing of it for an hour: it says now this, now that."""
        self.known.keep(self.key, None, self.clock())
