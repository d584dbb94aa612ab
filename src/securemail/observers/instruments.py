"""The metrics that OpenTelemetry gets: names, units, and what they count."""

from __future__ import annotations

from typing import Final

from opentelemetry.metrics import Meter

# Those that the conventions have for durations over the network: 5 ms to 10 s, and our time limits.
_BOUNDS_S: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
    30,
    60,
)


class Instruments:
    """All instruments of the library, made once for each meter."""

    def __init__(self, meter: Meter) -> None:
        self.connect_duration: Final = meter.create_histogram(
            "securemail.client.connect.duration",
            unit="s",
            description="From the start to a session that is ready, or to the failure.",
            explicit_bucket_boundaries_advisory=_BOUNDS_S,
        )
        self.step_duration: Final = meter.create_histogram(
            "securemail.client.connect.step.duration",
            unit="s",
            description="One step of a connect: connect, tls, greeting, login.",
            explicit_bucket_boundaries_advisory=_BOUNDS_S,
        )
        self.sessions: Final = meter.create_up_down_counter(
            "securemail.client.session.count",
            unit="{session}",
            description="Sessions by state: connecting, ready.",
        )
        self.losses: Final = meter.create_counter(
            "securemail.client.session.losses",
            unit="{session}",
            description="Sessions that ended unasked.",
        )
        self.reconnects: Final = meter.create_counter(
            "securemail.client.reconnects",
            unit="{reconnect}",
            description="Sessions that are made in place of others, by reason.",
        )
        self.stops: Final = meter.create_counter(
            "securemail.client.stops",
            unit="{stop}",
            description="Watches and accounts of a pool that are not tried again, by reason.",
        )
        self.refusals: Final = meter.create_counter(
            "securemail.client.refusals",
            unit="{refusal}",
            description="Connections below their account's minimum, once for each shortfall.",
        )
        self.io: Final = meter.create_counter(
            "securemail.client.io",
            unit="By",
            description="Bytes on the wire, TLS included.",
        )
