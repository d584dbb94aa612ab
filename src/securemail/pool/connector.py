"""How a pool connects: through the throttle, and not again before its time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from securemail.account import Account, Service
from securemail.aio.clock import Timeouts
from securemail.aio.fresh import fresh
from securemail.aio.herald import Herald
from securemail.aio.resolver import Resolver
from securemail.aio.route import endpoint_of
from securemail.credentials import OAuthToken
from securemail.errors import SecureMailError
from securemail.events import Observer
from securemail.pool.breaker import Breaker
from securemail.reconnect import Backoff, Reason, Setback, reason
from securemail.session import SecureSession
from securemail.throttle import Throttle

_dice: Final = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Key:
    """Whose sessions: an account that differs in anything, its policy for one, is another key."""

    account: Account
    service: Service

    @property
    def host(self) -> str:
        """The host whose places its sessions take."""
        return endpoint_of(self.account, self.service).host


class Connector:
    """Makes sessions for keys, and remembers which keys have failed."""

    def __init__(
        self,
        timeouts: Timeouts | None,
        resolver: Resolver | None,
        throttle: Throttle | None,
        backoff: Backoff,
        *,
        observer: Observer | None,
    ) -> None:
        self._timeouts = timeouts
        self._resolver = resolver
        self._throttle = throttle
        self._observer = observer
        self._herald = Herald(observer)
        self._breaker: Breaker[Key] = Breaker(backoff)

    def forget(self, key: Key) -> None:
        """Forget that `key` has failed."""
        self._breaker.forget(key)

    async def connect(
        self, key: Key, check: Callable[[], None], *, instead: Reason | None = None
    ) -> SecureSession[Any]:
        """Return a session that is ready; `check` may raise when it is its turn.

        `instead` tells why there is none any more that there was.

        Raises: as `SecureSession.connect`; the error of the last try, before its back-off is over.
        """
        loop = asyncio.get_running_loop()
        async with (self._throttle or Throttle.of_loop()).connecting(key.host):
            # Not before: who waited in the throttle may have seen it fail.
            check()
            if (barred := self._breaker.error(key, loop.time())) is not None:
                raise fresh(barred)
            self._tell(key, instead)
            try:
                session = await SecureSession[Any].connect(
                    key.account,
                    key.service,
                    timeouts=self._timeouts,
                    resolver=self._resolver,
                    observer=self._observer,
                )
            except SecureMailError as error:
                has_token = isinstance(key.account.credentials, OAuthToken)
                setback = Setback(error, 0.0, has_token)
                now, chance = loop.time(), _dice.random()
                if self._breaker.failed(key, setback, now=now, chance=chance) is None:
                    why = reason(error, has_token=has_token)
                    self._herald.stopped((key.account, key.service), (why, error))
                raise
        self._breaker.forget(key)
        return session

    def _tell(self, key: Key, instead: Reason | None) -> None:
        """Tell of a connect that is not the first."""
        whose = (key.account, key.service)
        if (bar := self._breaker.bar(key)) is not None:
            self._herald.reconnecting(whose, (bar.reason, bar.error))
        elif instead is not None:
            self._herald.reconnecting(whose, (instead, None))
