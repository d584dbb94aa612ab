"""Gates that let everything pass, or only what goes before TLS."""

from __future__ import annotations

from securemail.errors import PolicyError
from securemail.intent import Intent


def open_gate(intent: Intent) -> None:
    """Let everything pass."""


def closed_gate(intent: Intent) -> None:
    """Let discovery and STARTTLS pass."""
    if intent not in {Intent.DISCOVER, Intent.UPGRADE}:
        raise PolicyError("closed", shortfalls=())
