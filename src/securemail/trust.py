"""Which certificate authorities an account believes (RFC 5280). No I/O but its own file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509

from securemail.errors import UsageError

_FIELD: Final = "TrustStore"


@dataclass(frozen=True, slots=True)
class TrustStore:
    """A set of certificate authorities: the system's, or those in a file or a text.

    A file is read when the value is made, so that what is trusted cannot change under a program;
    make a new one to follow a change.
    """

    label: str = field(compare=False)
    pem: bytes | None = field(repr=False)

    @classmethod
    def system(cls) -> TrustStore:
        """Return the authorities that this computer trusts (SSL_CERT_FILE and _DIR are honoured).

        They are looked up when the first connection needs them, once in a process: one that is
        added later is not seen. On a computer without any, every certificate has an unknown issuer.
        """
        return cls("the system's authorities", None)

    @classmethod
    def from_file(cls, path: str | Path) -> TrustStore:
        """Return the authorities in a PEM file.

        Raises: UsageError when it cannot be read or holds no certificate.
        """
        try:
            pem = Path(path).read_bytes()
        except OSError as exc:
            raise UsageError(f"cannot read {str(path)!r}: {exc.strerror}", field=_FIELD) from exc
        return cls(str(path), _checked(pem))

    @classmethod
    def from_pem(cls, pem: bytes) -> TrustStore:
        """Return the authorities in a PEM text.

        Raises: UsageError when it holds no certificate.
        """
        return cls("authorities given in memory", _checked(pem))


def _checked(pem: bytes) -> bytes:
    try:
        x509.load_pem_x509_certificates(pem)
    except Exception as exc:  # cryptography's InvalidVersion is no ValueError, nor are its warnings
        raise UsageError("no certificate in PEM is in it, or a damaged one", field=_FIELD) from exc
    return pem
