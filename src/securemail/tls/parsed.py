"""Certificates, each parsed once however many connections are shown it. No I/O here."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate

# What a bridge's servers have between them. A hostile server can put other certificates there, so
# that ours are parsed again; with the largest that are kept it fills 2 MiB.
_MOST: Final = 256
_LARGEST_BYTES: Final = 8 * 1024


def parsed(certificate: X509) -> x509.Certificate:
    """Return `certificate` as cryptography has it: the same object for the same octets.

    Thousands of sessions with one provider would each keep its chain, twice: 5 KiB a certificate.

    Raises: ValueError and others for what cryptography cannot parse.
    """
    der = dump_certificate(FILETYPE_ASN1, certificate)
    return _kept(der) if len(der) <= _LARGEST_BYTES else x509.load_der_x509_certificate(der)


def verified_chain(connection: SSL.Connection) -> tuple[x509.Certificate, ...]:
    """Return the chain that OpenSSL has built, the server's own certificate first."""
    try:
        return tuple(map(parsed, connection.get_verified_chain() or ()))
    except Exception:  # noqa: BLE001 - InvalidVersion is no ValueError, and not the only one
        # OpenSSL takes what cryptography cannot parse; an account without a minimum gets here.
        return ()


@lru_cache(maxsize=_MOST)
def _kept(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)
