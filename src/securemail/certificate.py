"""A client certificate that one account may show (RFC 8314 section 5.5).

No I/O here, but reading the file it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

from securemail import limits
from securemail.errors import UsageError
from securemail.secret import Secret

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
_KINDS: Final = (
    rsa.RSAPrivateKey,
    ec.EllipticCurvePrivateKey,
    ed25519.Ed25519PrivateKey,
    ed448.Ed448PrivateKey,
)

Source = str | Path | bytes


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate, its key, and the intermediates that go with it.

    It is shown only by the account that holds it, only when the server asks for one, and only to a
    server whose own certificate was accepted. Make one with `from_pem` or `from_pkcs12`.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False, compare=False, hash=False)
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        key = _FIELD + ".key"
        if not isinstance(self.key, _KINDS):
            raise UsageError(f"{type(self.key).__name__} cannot be used", field=key)
        if isinstance(self.key, rsa.RSAPrivateKey) and self.key.key_size < limits.RSA_BITS:
            raise UsageError(
                f"an RSA key of {self.key.key_size} bits is too weak for TLS", field=key
            )
        if _public(self.certificate) != _public(self.key):
            raise UsageError("the key does not belong to the certificate", field=key)

    @classmethod
    def from_pem(
        cls, source: Source, key: Source | None = None, password: str | Secret | None = None
    ) -> ClientCertificate:
        """Read the certificate, its chain and its key from PEM: a path, or the bytes themselves.

        Without `key`, the key is in `source` too. `password` opens an encrypted key.

        Raises: UsageError for unreadable files, missing or broken parts, a wrong password, or a key
        that does not fit.
        """
        pem = _read(source)
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except ValueError as exc:
            raise UsageError(f"no certificate in the PEM: {exc}", field=_FIELD) from exc
        try:
            private = load_pem_private_key(_read(key) if key is not None else pem, _open(password))
        except (ValueError, TypeError) as exc:
            raise UsageError(_why(exc), field=_FIELD + ".key") from exc
        return cls(certificates[0], _supported(private), tuple(certificates[1:]))

    @classmethod
    def from_pkcs12(cls, source: Source, password: str | Secret | None = None) -> ClientCertificate:
        """Read all parts from a PKCS#12 file (.p12, .pfx): a path, or the bytes themselves.

        Raises: UsageError as `from_pem`.
        """
        try:
            private, certificate, more = pkcs12.load_key_and_certificates(
                _read(source), _open(password)
            )
        except (ValueError, TypeError) as exc:
            raise UsageError(_why(exc), field=_FIELD) from exc
        if certificate is None:
            raise UsageError("there is no certificate in the file", field=_FIELD)
        return cls(certificate, _supported(private), tuple(more))

    @property
    def subject(self) -> str:
        """The name it shows to the server (RFC 4514)."""
        return self.certificate.subject.rfc4514_string()


_FIELD: Final = "ClientCertificate"


def _supported(key: object) -> PrivateKey:
    if isinstance(key, _KINDS):
        return key
    raise UsageError(f"no key for TLS in it ({type(key).__name__})", field=_FIELD + ".key")


def _public(holder: x509.Certificate | PrivateKey) -> bytes:
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str) and "-----BEGIN" in source:
        # Not echoed as the name of a missing file: it may be the key.
        raise UsageError("give PEM as bytes; a str is the path of a file", field=_FIELD)
    try:
        return Path(source).read_bytes()
    except ValueError as exc:
        raise UsageError("that is not the path of a file", field=_FIELD) from exc
    except OSError as exc:
        raise UsageError(f"cannot read {str(source)!r}: {exc.strerror}", field=_FIELD) from exc


def _open(password: str | Secret | None) -> bytes | None:
    return None if password is None else Secret(password).reveal().encode()


def _why(exc: Exception) -> str:
    """Tell a person what to do; the library's own words never hold the password."""
    return f"cannot read the key (wrong or missing password?): {exc}"
