"""Events as metrics and traces of OpenTelemetry. Needs the extra `securemail[otel]`.

Names, units and attributes follow its semantic conventions: durations are in seconds, what is
counted is in braces, `server.address`, `error.type` and `network.io.direction` mean what they mean
elsewhere. Nothing names the account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from securemail._version import __version__
from securemail.events import (
    ConnectFailed,
    ConnectStarted,
    Dialled,
    Event,
    Failure,
    Greeted,
    LoggedIn,
    Protection,
    Reconnecting,
    Refused,
    Secured,
    SessionClosed,
    SessionEvent,
    SessionLost,
    Step,
    Stopped,
    Subject,
    Traffic,
)
from securemail.observers.instruments import Instruments
from securemail.service import Service

Attributes = dict[str, AttributeValue]

_SCOPE: Final = "securemail"
_PROTOCOLS: Final = {Service.IMAP: "imap", Service.POP3: "pop3", Service.SUBMISSION: "smtp"}
_STEPS: Final[dict[type[SessionEvent], Step]] = {
    Dialled: Step.CONNECT,
    Secured: Step.TLS,
    Greeted: Step.GREETING,
    LoggedIn: Step.LOGIN,
}
CONNECTING: Final = "connecting"
READY: Final = "ready"


@dataclass(slots=True)
class _Story:
    """What is remembered of a session until it ends."""

    span: Span
    attributes: Attributes
    state: str = CONNECTING
    total_s: float = 0.0
    traffic: Traffic = field(default_factory=Traffic)


class OpenTelemetryObserver:
    """Counts, times and traces sessions. One of them serves all sessions of a program.

    Metrics: `securemail.client.connect.duration` and `.connect.step.duration` (s),
    `.session.count` ({session}, by `securemail.session.state`), `.session.losses` ({session}),
    `.reconnects` ({reconnect}) and `.stops` ({stop}), both by `securemail.reconnect.reason`,
    `.refusals` ({refusal}, by `securemail.shortfall`), `.io` (By). One span for each connect. The
    providers are the global ones unless given.
    """

    def __init__(
        self,
        *,
        meter_provider: metrics.MeterProvider | None = None,
        tracer_provider: trace.TracerProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, __version__, tracer_provider)
        self._instruments = Instruments(metrics.get_meter(_SCOPE, __version__, meter_provider))
        self._stories: dict[int, _Story] = {}

    def __call__(self, event: Event, /) -> None:
        """Take note of `event`; what is not of a session that was begun here is left alone."""
        match event:
            case Reconnecting():
                self._instruments.reconnects.add(1, _why(event))
            case Stopped():
                self._instruments.stops.add(1, _why(event))
            case SessionEvent():
                self._take(event)

    def _take(self, event: SessionEvent) -> None:
        if isinstance(event, ConnectStarted):
            self._begin(event)
        if (story := self._stories.get(event.subject.session)) is not None:
            self._count_bytes(story, event.traffic)
            self._tell(story, event)

    def _begin(self, event: ConnectStarted) -> None:
        attributes = _attributes(event.subject)
        span = self._tracer.start_span(
            f"connect {_PROTOCOLS[event.subject.service]}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
        )
        self._stories[event.subject.session] = _Story(span, attributes)
        self._move(attributes, CONNECTING, 1)

    def _tell(self, story: _Story, event: SessionEvent) -> None:
        if (step := _STEPS.get(type(event))) is not None:
            self._time_step(story, step, event.duration_s)
        match event:
            case Dialled(peer=peer) if peer is not None:
                story.span.set_attribute("network.peer.address", str(peer))
            case Secured(protection=protection):
                story.span.set_attributes(_proved(protection))
            case Refused(shortfalls=shortfalls):
                for missing in shortfalls:
                    named = {**story.attributes, "securemail.shortfall": missing.name.lower()}
                    self._instruments.refusals.add(1, named)
            case LoggedIn(method=method):
                story.span.set_attribute("securemail.login.method", method.value)
                self._connected(story)
            case ConnectFailed(step=step, failure=failure):
                self._time_step(story, step, event.duration_s, failure)
                self._end_span(story, failure)
                self._forget(event.subject)
            case SessionLost(ending=ending, failure=failure):
                why: Attributes = {"securemail.ending": ending.name.lower(), **_error(failure)}
                self._instruments.losses.add(1, {**story.attributes, **why})
                self._forget(event.subject)
            case SessionClosed():
                self._forget(event.subject)

    def _connected(self, story: _Story) -> None:
        self._end_span(story, None)
        self._move(story.attributes, CONNECTING, -1)
        self._move(story.attributes, READY, 1)
        story.state = READY

    def _time_step(
        self, story: _Story, step: Step, duration_s: float, failure: Failure | None = None
    ) -> None:
        story.total_s += duration_s
        story.span.add_event(step.value, {"securemail.duration": duration_s})
        named = {**story.attributes, "securemail.step": step.value, **_error(failure)}
        self._instruments.step_duration.record(duration_s, named)

    def _end_span(self, story: _Story, failure: Failure | None) -> None:
        why = _error(failure)
        self._instruments.connect_duration.record(story.total_s, {**story.attributes, **why})
        story.span.set_attributes(why)
        if failure is not None:
            story.span.set_status(Status(StatusCode.ERROR))
        story.span.end()

    def _forget(self, subject: Subject) -> None:
        story = self._stories.pop(subject.session)
        story.span.end()
        self._move(story.attributes, story.state, -1)

    def _move(self, attributes: Attributes, state: str, by: int) -> None:
        self._instruments.sessions.add(by, {**attributes, "securemail.session.state": state})

    def _count_bytes(self, story: _Story, now: Traffic) -> None:
        # A handshake that is tried again has a connection of its own, which begins at nothing.
        is_new = now.received < story.traffic.received or now.sent < story.traffic.sent
        before, story.traffic = Traffic() if is_new else story.traffic, now
        for direction, size in (
            ("receive", now.received - before.received),
            ("transmit", now.sent - before.sent),
        ):
            if size:
                named = {**story.attributes, "network.io.direction": direction}
                self._instruments.io.add(size, named)


def _attributes(subject: Subject) -> Attributes:
    return {
        "network.protocol.name": _PROTOCOLS[subject.service],
        "server.address": subject.endpoint.host,
        "server.port": subject.endpoint.port,
    }


def _why(event: Reconnecting | Stopped) -> Attributes:
    reason = event.reason.name.lower()
    return {
        **_attributes(event.subject),
        "securemail.reconnect.reason": reason,
        **_error(event.failure),
    }


def _error(failure: Failure | None) -> Attributes:
    if failure is None:
        return {}
    if failure.reason is None:
        return {"error.type": failure.kind.__name__}
    return {"error.type": failure.kind.__name__, "securemail.reason": failure.reason.name.lower()}


def _proved(protection: Protection) -> Attributes:
    version = protection.tls_version.value.removeprefix("TLSv") if protection.tls_version else ""
    return {
        "tls.protocol.name": "tls",
        "tls.protocol.version": version,
        "tls.resumed": protection.is_resumed,
        "securemail.level": protection.level.name.lower(),
        "securemail.trust": protection.trust.name.lower(),
        "securemail.post_quantum": protection.is_post_quantum,
    }
