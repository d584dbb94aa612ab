"""Whose certificate it is (RFC 9525, RFC 7817): names compared by service-identity. No I/O here."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import extract_patterns
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity

from securemail import limits
from securemail.proof import Identity, IdentityKind
from securemail.wire.text import printable

_SHOWN_NAMES: Final = 5


def match_identity(
    certificate: x509.Certificate, host: str, *, is_address: bool
) -> Identity | None:
    """Return the reference identity that `certificate` carries, or None when it carries none.

    Only subject alternative names count: never the common name (RFC 9525 section 2), never a URI.

    Raises: ValueError when its names cannot be read, or are more than `limits.CERTIFICATE_NAMES`.
    """
    names = _alternative_names(certificate)
    if not names:
        return None
    if len(names) > limits.CERTIFICATE_NAMES:
        raise ValueError(f"the certificate has {len(names)} names")
    kind = IdentityKind.IP_ID if is_address else IdentityKind.DNS_ID
    try:
        wanted = IPAddress_ID(host) if is_address else DNS_ID(host)
        verify_service_identity(extract_patterns(certificate), [wanted], [])
    except (VerificationError, CertificateError):
        return None  # the second for wildcards that are none (RFC 9525 section 6.3)
    except Exception as exc:  # hostile names raise ValueError, IndexError and others
        raise ValueError("the certificate's names cannot be read") from exc
    return Identity(kind, host)


def names_of(certificate: x509.Certificate) -> str:
    """Return the names in `certificate` for a message, a few of them."""
    try:
        names = [str(name.value) for name in _alternative_names(certificate)]
    except Exception:  # noqa: BLE001 - as above
        return "names that cannot be read"
    if not names:
        return "no name at all (a common name does not count)"
    shown = ", ".join(map(printable, names[:_SHOWN_NAMES]))
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES} more"


def _alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value)
