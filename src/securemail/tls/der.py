"""The public key of a certificate, octet for octet as it stands there (RFC 5280 section 4.1).

A library that parses the key and writes it anew may write it otherwise, and a digest of it would
never match. No I/O here.
"""

from __future__ import annotations

from typing import Final

_CONTEXT_0: Final = 0xA0
_LONG: Final = 0x80
# serialNumber, signature, issuer, validity, subject stand before subjectPublicKeyInfo.
_FIELDS_BEFORE_KEY: Final = 5
_LENGTH_BYTES: Final = 4


def public_key_info(certificate: bytes) -> bytes:
    """Return the subjectPublicKeyInfo of a DER certificate.

    Raises: ValueError when it does not have the shape of one.
    """
    outer, _ = _contents(certificate, 0)
    place, _ = _contents(certificate, outer)
    if certificate[place : place + 1] == bytes([_CONTEXT_0]):
        place = _contents(certificate, place)[1]  # the version, where it is not v1
    for _ in range(_FIELDS_BEFORE_KEY):
        place = _contents(certificate, place)[1]
    return certificate[place : _contents(certificate, place)[1]]


def _contents(data: bytes, place: int) -> tuple[int, int]:
    """Return where the contents of the element at `place` begin and end."""
    header = data[place : place + 2]
    if len(header) < 2:
        raise ValueError("the certificate ends too early")
    start, length = place + 2, header[1]
    if length & _LONG:
        size = length & ~_LONG
        if not 0 < size <= _LENGTH_BYTES:
            raise ValueError("a length in the certificate is none")
        start, length = start + size, int.from_bytes(data[start : start + size])
    if start + length > len(data):
        raise ValueError("the certificate ends too early")
    return start, start + length
