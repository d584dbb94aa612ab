"""A certificate that a person accepted for one server of one account (RFC 8314 section 5.4).

No I/O here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail.errors import UsageError
from securemail.service import Service

_FIELD: Final = "Pin"


@dataclass(frozen=True, slots=True, init=False)
class Pin:
    """A certificate that no authority vouches for, bound to one account, host, port and service.

    It is made in account setup only: by `pin_offer()`, which shows a person what is wrong, and by
    their words. It has no constructor, so that nothing makes one out of a failed connection;
    `from_dict` takes back what `to_dict` has exported.

    A connection that rests on it is never called confidential, and an account with a minimum does
    not use it (RFC 8314 section 5.3). `made_at` says when the person accepted it, `acknowledged` in
    which words.
    """

    address: str
    service: Service
    host: str
    port: int
    der: bytes = field(repr=False)
    made_at: datetime
    acknowledged: str

    def __init__(self) -> None:
        raise UsageError("pins are made by pin_offer() in account setup", field=_FIELD)

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return x509.load_der_x509_certificate(self.der)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, as people compare it: "AB:CD:…"."""
        return fingerprint(self.der)

    def is_for(self, certificate: x509.Certificate) -> bool:
        """Whether `certificate` is the one that was accepted, octet for octet."""
        return certificate.public_bytes(Encoding.DER) == self.der

    @property
    def was_expired(self) -> bool:
        """Whether it had expired when it was accepted, so that the person knew."""
        return self.made_at > self.certificate.not_valid_after_utc

    def to_dict(self) -> dict[str, str | int]:
        """Return the pin as strings and numbers, fit for JSON; it holds no secret."""
        return {
            "address": self.address,
            "service": self.service.value,
            "host": self.host,
            "port": self.port,
            "certificate": base64.b64encode(self.der).decode("ascii"),
            "made_at": self.made_at.isoformat(),
            "acknowledged": self.acknowledged,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """Return the pin that `to_dict` has exported.

        Whoever can write where that is kept can make pins: keep it as safe as the account itself.

        Raises: UsageError for anything else.
        """
        values = {name: _value(data, name, kind) for name, kind in _EXPORTED.items()}
        try:
            values["made_at"] = _moment(values["made_at"])
            values["service"] = Service(values["service"])
            values["der"] = base64.b64decode(values.pop("certificate"), validate=True)
            x509.load_der_x509_certificate(values["der"])
        except Exception as exc:  # cryptography's InvalidVersion is no ValueError
            raise UsageError(f"not an exported pin: {exc}", field=_FIELD) from exc
        pin = object.__new__(cls)
        for name, value in values.items():
            object.__setattr__(pin, name, value)
        return pin


_EXPORTED: Final = {
    "address": str,
    "service": str,
    "host": str,
    "port": int,
    "certificate": str,
    "made_at": str,
    "acknowledged": str,
}


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate, as people compare it."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _value(data: Mapping[str, object], name: str, kind: type) -> Any:
    value = data.get(name)
    if type(value) is not kind or not value:
        raise UsageError(f"{name!r} is {value!r}", field=_FIELD)
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("made_at has no time zone")
    return moment.astimezone(UTC)
