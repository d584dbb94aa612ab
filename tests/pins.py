"""Pins, as a store would bring them back."""

from __future__ import annotations

import base64
import datetime as dt

from securemail import Pin, Service
from securemail.testing import ServerCertificate

ADDRESS = "alice@example.org"
HOST = "mail.example.org"
WORDS = "I know this server, and nobody vouches for it"


def pin_of(
    certificate: ServerCertificate,
    *,
    address: str = ADDRESS,
    service: Service = Service.IMAP,
    host: str = HOST,
    port: int = 993,
) -> Pin:
    """Return a pin for `certificate` that was made just now."""
    return Pin.from_dict(
        {
            "address": address,
            "service": service.value,
            "host": host,
            "port": port,
            "certificate": base64.b64encode(certificate.der).decode(),
            "made_at": dt.datetime.now(dt.UTC).isoformat(),
            "acknowledged": WORDS,
        }
    )


def aged(pin: Pin, days: float) -> Pin:
    """Return `pin` as if it had been made so many days earlier."""
    made_at = pin.made_at - dt.timedelta(days=days)
    return Pin.from_dict(pin.to_dict() | {"made_at": made_at.isoformat()})
