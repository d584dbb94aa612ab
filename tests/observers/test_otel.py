"""What OpenTelemetry is told of sessions, read back with its own SDK."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from securemail import (
    AuthenticationError,
    Password,
    SecureMailError,
    SecureSession,
    Service,
    TLSMode,
    connect_imap,
)
from securemail.events import (
    ConnectStarted,
    Dialled,
    Event,
    Failure,
    Reconnecting,
    Stopped,
    Traffic,
)
from securemail.observers.otel import OpenTelemetryObserver
from securemail.reconnect import Reason
from securemail.testing import CertificateAuthority, Hang, MailServer, ScriptedServer, Send
from tests.observers.test_logs import FACTS, SUBJECT
from tests.session.mailserver import account
from tests.session.scripts import GREETING, STARTTLS
from tests.session.scripts import account as scripted_account


class Backend:
    """An observer, and what its SDK has collected."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._exporter = InMemorySpanExporter()
        self._meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._tracers = TracerProvider(shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.observer = OpenTelemetryObserver(
            meter_provider=self._meters, tracer_provider=self._tracers
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def points(self, name: str, by: str) -> dict[Any, Any]:
        """Return the value (a histogram's count) of a metric for each value of an attribute."""
        return {
            dict(point.attributes or {}).get(by): getattr(point, "value", None)
            or getattr(point, "count", 0)
            for metric in self.metrics()
            if metric.name == f"securemail.client.{name}"
            for point in metric.data.data_points
        }

    def metrics(self) -> list[Any]:
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        return [
            metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


async def test_sessions_are_counted_by_state(ca: CertificateAuthority, backend: Backend) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        async with connect_imap(account(server), observer=backend.observer):
            ready = backend.points("session.count", "securemail.session.state")
        closed = backend.points("session.count", "securemail.session.state")
    assert ready == {"connecting": 0, "ready": 1}
    assert closed == {"connecting": 0, "ready": 0}


async def test_a_connect_is_timed_as_a_whole_and_step_by_step(
    ca: CertificateAuthority, backend: Backend
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        connect_imap(account(server), observer=backend.observer),
    ):
        pass
    assert backend.points("connect.duration", "server.address") == {"mail.example.org": 1}
    steps = backend.points("connect.step.duration", "securemail.step")
    assert steps == {"connect": 1, "tls": 1, "greeting": 1, "login": 1}


async def test_a_connect_is_one_span(ca: CertificateAuthority, backend: Backend) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        connect_imap(account(server), observer=backend.observer),
    ):
        (span,) = backend.spans
        port = server.port()
    assert (span.name, span.kind) == ("connect imap", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    attributes = dict(span.attributes or {})
    assert attributes["server.port"] == port
    assert attributes["network.peer.address"] == "127.0.0.1"
    assert attributes["tls.protocol.version"] == "1.3"
    assert attributes["securemail.level"] == "confidential"
    assert [event.name for event in span.events] == ["connect", "tls", "greeting", "login"]


async def test_a_refusal_is_counted_by_shortfall_and_the_span_is_an_error(
    ca: CertificateAuthority, backend: Backend
) -> None:
    async with ScriptedServer((GREETING, STARTTLS, Send(b"{tag} NO no\r\n"), Hang())) as server:
        with pytest.raises(SecureMailError):
            await connect_imap(
                scripted_account(server, ca, TLSMode.STARTTLS), observer=backend.observer
            )
    assert backend.points("refusals", "securemail.shortfall") == {"no_tls": 1}
    assert backend.points("connect.duration", "error.type") == {"PolicyError": 1}
    assert backend.points("session.count", "securemail.session.state") == {"connecting": 0}
    (span,) = backend.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert dict(span.attributes or {})["error.type"] == "PolicyError"


async def test_a_lost_session_is_counted_by_how_it_ended(
    ca: CertificateAuthority, backend: Backend
) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        session = await connect_imap(account(server), observer=backend.observer)
    with pytest.raises(SecureMailError):
        await session.client.noop()
    await session.aclose()
    (ending,) = backend.points("session.losses", "securemail.ending")
    assert ending in {"closed_by_server", "failed"}


async def test_a_session_that_is_closed_before_its_login_ends_its_span(
    ca: CertificateAuthority, backend: Backend
) -> None:
    async with ScriptedServer((GREETING, Hang())) as server:
        session = await SecureSession[object].open(
            scripted_account(server, ca, TLSMode.STARTTLS),
            Service.IMAP,
            observer=backend.observer,
        )
        await session.aclose()
    assert len(backend.spans) == 1
    assert backend.points("session.count", "securemail.session.state") == {"connecting": 0}


def test_bytes_of_a_second_connection_are_added(backend: Backend) -> None:
    backend.observer(ConnectStarted(SUBJECT, 0.0, Traffic()))
    backend.observer(Dialled(SUBJECT, 0.1, Traffic(100, 50), None))
    backend.observer(Dialled(SUBJECT, 0.1, Traffic(30, 20), None))
    assert backend.points("io", "network.io.direction") == {"receive": 130, "transmit": 70}


def test_what_is_not_of_a_session_begun_here_is_left_alone(backend: Backend) -> None:
    backend.observer(Event())
    backend.observer(Dialled(*FACTS, None))
    assert backend.metrics() == []


async def test_no_metric_and_no_span_names_the_account(
    ca: CertificateAuthority, backend: Backend
) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        bad = account(server, credentials=Password("alice", "hunter2"))
        with pytest.raises(SecureMailError):
            await connect_imap(bad, observer=backend.observer)
        async with connect_imap(account(server), observer=backend.observer):
            pass
    told = "".join(metric.to_json() for metric in backend.metrics())
    told += "".join(span.to_json() for span in backend.spans)
    assert "mail.example.org" in told
    assert not any(private in told for private in ("alice", "secret", "hunter2"))


def test_every_metric_has_a_unit_of_the_conventions(backend: Backend) -> None:
    backend.observer(ConnectStarted(*FACTS))
    units = {
        instrument.unit: instrument.name
        for instrument in vars(backend.observer._instruments).values()
    }
    assert set(units) == {"s", "{session}", "{reconnect}", "{stop}", "{refusal}", "By"}


def test_reconnects_are_counted_by_reason_and_what_stops_for_itself(backend: Backend) -> None:
    for reason in (Reason.LINE, Reason.THROTTLED, Reason.LINE):
        backend.observer(Reconnecting(SUBJECT, reason, None, 1.0, 60.0))
    refused = Failure(AuthenticationError)
    backend.observer(Stopped(SUBJECT, Reason.LOGIN, refused))
    by = "securemail.reconnect.reason"
    assert backend.points("reconnects", by) == {"line": 2, "throttled": 1}
    assert backend.points("stops", by) == {"login": 1}
    assert backend.points("stops", "error.type") == {"AuthenticationError": 1}
    assert backend.points("stops", "server.address") == {"mail.example.org": 1}
