"""Events as lines of the standard library's log."""

from __future__ import annotations

import logging
from typing import Final

from securemail.events import (
    ConnectFailed,
    ConnectStarted,
    Dialled,
    Ending,
    Event,
    Failure,
    Greeted,
    LoggedIn,
    Reconnecting,
    Refused,
    Secured,
    SessionClosed,
    SessionEvent,
    SessionLost,
    Stopped,
    Subject,
)

_LOGGER: Final = logging.getLogger("securemail")


class LoggingObserver:
    """Logs each event as one line: `connect_imap(account, observer=LoggingObserver())`.

    Steps that went well are DEBUG, a login, a closed session and one that the server closed in good
    order INFO, what failed or was lost WARNING, a refusal below the account's minimum ERROR. With
    `with_addresses` the lines name the account; without, as by default, they name the server only.
    The event itself is the record's attribute `event`.
    """

    def __init__(
        self, logger: logging.Logger | None = None, *, with_addresses: bool = False
    ) -> None:
        self._logger = logger or _LOGGER
        self._with_addresses = with_addresses

    def __call__(self, event: Event, /) -> None:
        """Log `event`."""
        level = level_of(event)
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", self._line(event), extra={"event": event})

    def _line(self, event: Event) -> str:
        if not isinstance(event, SessionEvent | Reconnecting | Stopped):
            return type(event).__name__
        return f"{self._name(event.subject)}: {words_of(event)}"

    def _name(self, subject: Subject) -> str:
        whose = f" of {subject.address}" if self._with_addresses else ""
        return f"{subject.service.value}{whose} at {subject.endpoint} [{subject.session:08x}]"


def level_of(event: Event) -> int:
    """Return how loud to be about `event`."""
    match event:
        case Refused() | Stopped():
            return logging.ERROR
        case ConnectFailed():
            return logging.WARNING
        case SessionLost(ending=ending):
            is_orderly = ending is Ending.CLOSED_BY_SERVER
            return logging.INFO if is_orderly else logging.WARNING
        case LoggedIn() | SessionClosed() | Reconnecting():
            return logging.INFO
        case _:
            return logging.DEBUG


def words_of(event: SessionEvent | Reconnecting | Stopped) -> str:
    """Return `event` in words."""
    match event:
        case Reconnecting(reason=reason, wait_s=wait_s):
            return f"connecting again in {wait_s:.1f} s: {reason.value}"
        case Stopped(reason=reason, failure=failure):
            return f"not tried again: {reason.value}: {_failure(failure)}"
        case _:
            return _words_of_session(event)


def _words_of_session(event: SessionEvent) -> str:
    took = f"{event.duration_s:.3f} s"
    match event:
        case ConnectStarted():
            return "connecting"
        case Dialled(peer=peer):
            return f"connected to {peer or 'it'} in {took}"
        case Secured(protection=protection):
            version = protection.tls_version.value if protection.tls_version else "no TLS"
            return f"{version}, trust {protection.trust.value}, {protection.level.value} in {took}"
        case Greeted():
            return f"greeted in {took}"
        case Refused(shortfalls=shortfalls):
            return "refused: " + "; ".join(sorted(missing.value for missing in shortfalls))
        case LoggedIn(method=method, protection=protection):
            return f"logged in by {method.value}, {protection.level.value}, in {took}"
        case ConnectFailed(step=step, failure=failure):
            return f"failed in step {step.value} after {took}: {_failure(failure)}"
        case SessionClosed():
            return f"closed after {took}, {_bytes(event)}"
        case SessionLost(ending=ending, failure=failure):
            why = ending.value if failure is None else f"{ending.value}: {_failure(failure)}"
            return f"lost after {took}, {_bytes(event)}: {why}"
        case _:
            return type(event).__name__


def _failure(failure: Failure) -> str:
    name = failure.kind.__name__
    return name if failure.reason is None else f"{name} ({failure.reason.value})"


def _bytes(event: SessionEvent) -> str:
    return f"{event.traffic.received} bytes in, {event.traffic.sent} out"
