"""The server's end of a TLS connection, in memory: ciphertext in, plaintext out. No I/O here.

Used instead of asyncio's TLS so that both test servers know exactly which octet came before the
handshake and which inside it, and are told of every failure at one place.
"""

from __future__ import annotations

import ssl
from typing import Final

CHUNK: Final = 64 * 1024


class ServerTLS:
    """One server-side TLS connection. After each call, send what `outgoing()` returns."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_established = False
        self.is_closed = False  # the client has sent its close_notify

    def receive(self, data: bytes) -> bytes:
        """Take octets from the socket; return the plaintext that they completed, maybe none.

        Raises:
            ssl.SSLError: the handshake failed, or a record is not one; `outgoing()` has the alert.

        """
        self._incoming.write(data)
        if not self.is_established and not self._handshake():
            return b""
        return self._decrypt()

    def encrypt(self, data: bytes) -> None:
        """Put `data` into records."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]

    def close(self) -> None:
        """Make the close_notify alert. What the client still sends can be read."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            # The client's own alert has not come yet, or the handshake was not over.
            return

    def outgoing(self) -> bytes:
        """Return the octets to send."""
        return self._outgoing.read()

    @property
    def client_certificate(self) -> bytes | None:
        """The client's certificate (DER), or None when it sent none."""
        return self._tls.getpeercert(binary_form=True) if self.is_established else None

    @property
    def client_common_name(self) -> str | None:
        """The common name of the client's verified certificate."""
        certificate = self._tls.getpeercert() if self.is_established else None
        subject = certificate.get("subject", ()) if certificate else ()
        for rdn in subject:
            for attribute in rdn:
                if attribute[0] == "commonName":
                    return str(attribute[1])
        return None

    def _handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.is_established = True
        return True

    def _decrypt(self) -> bytes:
        plaintext = bytearray()
        while not self.is_closed:
            try:
                chunk = self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                chunk = b""
            self.is_closed = not chunk
            plaintext += chunk
        return bytes(plaintext)
