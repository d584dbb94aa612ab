"""Certificates and a key, out of PEM or PKCS#12 (RFC 7468, RFC 7292).

No I/O here, but reading the file. No frame of a traceback holds a password or what was read: both
are wrapped before anything can fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from securemail.errors import UsageError
from securemail.secret import Secret, SecretBytes

FIELD: Final = "ClientCertificate"
KEY_FIELD: Final = FIELD + ".key"

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
KINDS: Final = (
    rsa.RSAPrivateKey,
    ec.EllipticCurvePrivateKey,
    ed25519.Ed25519PrivateKey,
    ed448.Ed448PrivateKey,
)

Source = str | Path | bytes
Hidden = Secret | SecretBytes
Contents = tuple[PrivateKey, tuple[x509.Certificate, ...]]


def hide(source: Source) -> Hidden:
    """Return `source` so that no frame shows it: PEM given as a str by mistake may be the key."""
    return SecretBytes(source) if isinstance(source, bytes) else Secret(str(source))


def read(source: Hidden) -> SecretBytes:
    """Return what is in the file that `source` names, or `source` itself if it was bytes.

    Raises: UsageError for a path that cannot be read.
    """
    if isinstance(source, SecretBytes):
        return source
    if "-----BEGIN" in source.reveal():
        raise UsageError("give PEM as bytes; a str is the path of a file", field=FIELD)
    try:
        return SecretBytes(Path(source.reveal()).read_bytes())
    except ValueError as exc:
        raise UsageError("that is not the path of a file", field=FIELD) from exc
    except OSError as exc:
        name = source.reveal()
        raise UsageError(f"cannot read {name!r}: {exc.strerror}", field=FIELD) from exc


def load_pem(certificates: SecretBytes, key: SecretBytes, password: Secret | None) -> Contents:
    """Return the first key in `key` and all certificates in `certificates`, as they come.

    Raises: UsageError for missing or broken parts, and for a wrong or missing password.
    """
    try:
        found = x509.load_pem_x509_certificates(certificates.reveal())
    except (ValueError, x509.InvalidVersion) as exc:
        raise UsageError(f"no certificate in the PEM: {exc}", field=FIELD) from exc
    try:
        private = load_pem_private_key(key.reveal(), _encoded(password))
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise UsageError(_why(exc), field=KEY_FIELD) from exc
    return _supported(private), tuple(found)


def load_pkcs12(file: SecretBytes, password: Secret | None) -> Contents:
    """Return the key and all certificates, as they come.

    Raises: UsageError as `load_pem`.
    """
    try:
        private, certificate, more = pkcs12.load_key_and_certificates(
            file.reveal(), _encoded(password)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as exc:
        raise UsageError(_why(exc), field=FIELD) from exc
    found = (*([certificate] if certificate is not None else []), *more)
    if not found:
        raise UsageError("there is no certificate in the file", field=FIELD)
    return _supported(private), found


def _supported(key: object) -> PrivateKey:
    if isinstance(key, KINDS):
        return key
    raise UsageError(f"no key for TLS in it ({type(key).__name__})", field=KEY_FIELD)


def _encoded(password: Secret | None) -> bytes | None:
    # A lone surrogate is a wrong password: UnicodeEncodeError would show it.
    return None if password is None else password.reveal().encode("utf-8", "surrogatepass")


def _why(exc: Exception) -> str:
    """Tell a person what to do; the library's own words never hold the password."""
    return f"cannot read the key (wrong or missing password?): {exc}"
