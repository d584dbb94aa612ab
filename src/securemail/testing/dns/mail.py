"""What the DNS should say about a `MailServer`."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from securemail.testing.server import MailServer, ServiceName, TLSName

# RFC 6186, RFC 8314 section 5.1: implicit TLS first.
_LABELS: Final[tuple[tuple[str, ServiceName, TLSName, int], ...]] = (
    ("_imaps", "imap", "implicit", 0),
    ("_imap", "imap", "starttls", 1),
    ("_pop3s", "pop3", "implicit", 0),
    ("_pop3", "pop3", "starttls", 1),
    ("_submissions", "submission", "implicit", 0),
    ("_submission", "submission", "starttls", 1),
)


def mail_zone(server: MailServer, *, has_dane: bool = True) -> dict[str, str]:
    """Return the zone of a running server, for `NameServer`: {"example.org": its records}.

    SRV for each service that it has, its address, and the key of its certificate as TLSA 3 1 1
    (RFC 7671), unless `has_dane` is false.

    Raises:
        RuntimeError: the server is not running.

    """
    host = f"{server.host_name}."
    lines = [f"{host} A {server.address}"]
    for label, service, tls, priority in _LABELS:
        port = server.port(service, tls)
        lines.append(f"{label}._tcp SRV {priority} 0 {port} {host}")
        if has_dane:
            lines.append(f"_{port}._tcp.{host} TLSA 3 1 1 {_key_digest(server)}")
    return {server.host_name.partition(".")[2]: "\n".join(lines) + "\n"}


def _key_digest(server: MailServer) -> str:
    key = x509.load_der_x509_certificate(server.certificate.der).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).hexdigest()
