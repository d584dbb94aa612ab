"""The TLS sessions that this process may take up again: in memory only, and bounded."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from securemail import limits
from securemail.policy.confidentiality import may_resume
from securemail.tls.resumption import Resumable, Resumption, SessionKey, judge
from securemail.tls.verdict import Rules

_LIFETIME: Final = dt.timedelta(seconds=limits.RESUMPTION_S)
_BARRED: Final = dt.timedelta(seconds=limits.RESUMPTION_BARRED_S)


def now() -> dt.datetime:
    """Return the time of the calendar, which goes on while a computer sleeps."""
    return dt.datetime.now(dt.UTC)


class Sessions:
    """Sessions by key, a few for each, the newest first; the keys not used for longest go first.

    A session is forgotten when it is taken: a ticket that is used twice links two connections to
    anyone who listens (RFC 8446 section C.4). The lock is for programs with several event loops.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[SessionKey, tuple[Resumable, ...]] = OrderedDict()
        self._barred: OrderedDict[SessionKey, dt.datetime] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def keep(self, key: SessionKey, new: Resumable, *, instead_of: Resumable | None = None) -> None:
        """Keep `new`, and forget the one that it replaces, if it is still there."""
        with self._lock:
            others = [each for each in self._kept.pop(key, ()) if each is not instead_of]
            self._kept[key] = (new, *others)[: limits.RESUMABLE_PER_SERVER]
            while len(self._kept) > limits.RESUMABLE_SERVERS:
                self._kept.popitem(last=False)

    def take(self, key: SessionKey) -> Resumable | None:
        """Return the newest session for `key`, and forget it."""
        with self._lock:
            newest, *others = self._kept.pop(key, ()) or (None,)
            if others:
                self._kept[key] = tuple(others)
            return newest

    def bar(self, key: SessionKey, now: dt.datetime) -> None:
        """Forget the sessions of a server that breaks those it is asked to resume, for an hour.

        Else each connection to it would cost two.
        """
        with self._lock:
            self._kept.pop(key, None)
            self._barred[key] = now + _BARRED
            self._barred.move_to_end(key)
            while len(self._barred) > limits.RESUMABLE_SERVERS:
                self._barred.popitem(last=False)

    def is_barred(self, key: SessionKey, now: dt.datetime) -> bool:
        """Return whether sessions for `key` are to be left alone."""
        with self._lock:
            until = self._barred.get(key)
            if until is not None and not until - _BARRED <= now < until:
                del self._barred[key]
                return False
            return until is not None

    def purge(self, now: dt.datetime) -> None:
        """Forget what is too old to be used."""
        with self._lock:
            # As good as sorted: what was kept last is last. One look where nothing is too old, and
            # no copy: that hashes each key, 12 ms at 4,096 accounts, with every connection.
            while self._kept:
                key, kept = next(iter(self._kept.items()))
                if now - kept[0].evidence.at < _LIFETIME:
                    return
                del self._kept[key]


@dataclass(frozen=True, slots=True)
class AccountTickets:
    """The sessions of one account with one server, under the rules of today."""

    sessions: Sessions
    key: SessionKey
    rules: Rules
    clock: Callable[[], dt.datetime] = now

    def now(self) -> dt.datetime:
        """Return the time."""
        return self.clock()

    def take(self) -> Resumption | None:
        """Return a session that may be offered, and forget it, and those that may not be."""
        today = self.now()
        while (found := self.sessions.take(self.key)) is not None:
            verdict = judge(found.evidence, self.rules, today)
            if verdict is None:
                continue
            proof = replace(
                found.evidence.proof,
                trust=verdict.trust,
                identity=verdict.identity,
                tlsa=verdict.tlsa,
            )
            if may_resume(self.key.policy, proof):
                return Resumption(found, verdict)
        return None

    def keep(self, new: Resumable, *, instead_of: Resumable | None) -> None:
        """Keep `new`, as one session of that connection."""
        self.sessions.keep(self.key, new, instead_of=instead_of)
        self.sessions.purge(self.now())
