"""Ready-made observers: `LoggingObserver`, and `OpenTelemetryObserver` in `otel`."""

from securemail.observers.logs import LoggingObserver

__all__ = ["LoggingObserver"]
