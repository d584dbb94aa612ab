"""Tells an observer why another session is made, and when none is made any more."""

from __future__ import annotations

import secrets
from typing import Final

from securemail.account import Account, Service
from securemail.aio.audience import Audience
from securemail.aio.route import endpoint_of
from securemail.errors import SecureMailError
from securemail.events import Failure, Observer, Reconnecting, Stopped, Subject
from securemail.reconnect import Reason


class Herald:
    """What a watch or a pool tells beside its sessions.

    Raises: UsageError for what cannot be an observer.
    """

    def __init__(self, observer: Observer | None) -> None:
        self._audience = Audience(observer)
        self._number: Final = secrets.randbits(32)

    def reconnecting(
        self,
        whose: tuple[Account, Service],
        why: tuple[Reason, SecureMailError | None],
        *,
        wait_s: float = 0.0,
        up_s: float = 0.0,
    ) -> None:
        """Tell that another session is made in `wait_s` seconds."""
        reason, error = why
        failure = None if error is None else Failure.of(error)
        subject = self._subject(whose)
        self._audience.tell(lambda: Reconnecting(subject, reason, failure, wait_s, up_s))

    def stopped(self, whose: tuple[Account, Service], why: tuple[Reason, SecureMailError]) -> None:
        """Tell that nobody tries again."""
        reason, error = why
        subject = self._subject(whose)
        self._audience.tell(lambda: Stopped(subject, reason, Failure.of(error)))

    def _subject(self, whose: tuple[Account, Service]) -> Subject:
        account, service = whose
        return Subject(self._number, account.address, service, endpoint_of(account, service))
