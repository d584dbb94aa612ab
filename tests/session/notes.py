"""An observer that keeps what it is told, and what it is told when all goes well."""

from __future__ import annotations

from securemail import (
    Event,
)
from securemail.events import (
    ConnectStarted,
    Dialled,
    Greeted,
    LoggedIn,
    Secured,
    SessionClosed,
    SessionEvent,
)

IN_ORDER = [ConnectStarted, Dialled, Secured, Greeted, LoggedIn, SessionClosed]


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[SessionEvent] = []

    def __call__(self, event: Event, /) -> None:
        assert isinstance(event, SessionEvent)
        self.events.append(event)

    @property
    def kinds(self) -> list[type[SessionEvent]]:
        return [type(event) for event in self.events]

    def only(self, kind: type[SessionEvent]) -> SessionEvent:
        (event,) = [event for event in self.events if type(event) is kind]
        return event
