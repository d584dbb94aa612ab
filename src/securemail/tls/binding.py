"""What binds a login to one TLS connection (RFC 9266, RFC 5929). No I/O here."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from securemail.proof import ChannelBinding

_LABEL: Final = b"EXPORTER-Channel-Binding"
_EXPORTED_BYTES: Final = 32


def channel_binding(connection: SSL.Connection) -> ChannelBinding | None:
    """Return the binding of a connection whose handshake is over, or None where there is none.

    `tls-exporter` on TLS 1.3 only: before it, RFC 9266 section 4.2 wants the extended master secret
    negotiated, which OpenSSL does not tell us here.
    """
    if connection.get_protocol_version() == SSL.TLS1_3_VERSION:
        data = connection.export_keying_material(_LABEL, _EXPORTED_BYTES, b"")
        return ChannelBinding("tls-exporter", data)
    try:
        certificate = connection.get_peer_certificate(as_cryptography=True)
    except Exception:  # noqa: BLE001 - one that OpenSSL takes and cryptography cannot parse
        return None
    return None if certificate is None else end_point(certificate)


def end_point(certificate: x509.Certificate) -> ChannelBinding | None:
    """Return `tls-server-end-point` (RFC 5929 section 4.1).

    None for a signature without a hash of its own, such as Ed25519: the RFC leaves it undefined.
    """
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if algorithm is None:
        return None
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return ChannelBinding("tls-server-end-point", certificate.fingerprint(algorithm))
