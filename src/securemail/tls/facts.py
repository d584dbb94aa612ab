"""What is in a certificate, fit to be shown to a person (RFC 5280). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from securemail.pin import fingerprint
from securemail.tls.identity import names_of
from securemail.wire.text import printable

_UNREADABLE: Final = "a key that cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """A certificate in words: whom it names, who has signed it, for how long, and which key.

    All texts are printable and bounded, whatever the certificate says. None of it is proved: who
    makes a certificate writes into it what they like. `fingerprint` is what a person can compare
    with what the server's administrator says.
    """

    subject: str
    issuer: str
    names: str
    valid_from: datetime
    valid_until: datetime
    key: str
    fingerprint: str

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Return what is in `certificate`."""
        return cls(
            subject=name_in(certificate, "subject"),
            issuer=name_in(certificate, "issuer"),
            names=names_of(certificate),
            valid_from=certificate.not_valid_before_utc,
            valid_until=certificate.not_valid_after_utc,
            key=key_of(certificate),
            fingerprint=fingerprint(certificate.public_bytes(Encoding.DER)),
        )

    def __str__(self) -> str:
        return (
            f"for {self.names}\n"
            f"subject {self.subject}, signed by {self.issuer}\n"
            f"valid from {self.valid_from:%Y-%m-%d} to {self.valid_until:%Y-%m-%d %H:%M} UTC\n"
            f"{self.key}, SHA-256 {self.fingerprint}"
        )


def name_in(certificate: x509.Certificate, field: Literal["subject", "issuer"]) -> str:
    """Return the name in `field` for a message, whatever it is."""
    try:
        name: x509.Name = getattr(certificate, field)
        return printable(name.rfc4514_string()) or "nobody"
    except Exception:  # noqa: BLE001 - hostile names raise anything
        return "a name that cannot be read"


def key_of(certificate: x509.Certificate) -> str:
    """Return which kind of key `certificate` is for, and how strong it is."""
    try:
        key = certificate.public_key()
    except Exception:  # noqa: BLE001 - as above
        return _UNREADABLE
    match key:
        case rsa.RSAPublicKey():
            return f"RSA key of {key.key_size} bits"
        case ec.EllipticCurvePublicKey():
            return f"elliptic curve key ({key.curve.name})"
        case _:
            return type(key).__name__.removesuffix("PublicKey") + " key"
