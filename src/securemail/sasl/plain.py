"""PLAIN (RFC 4616). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from securemail.errors import ProtocolError
from securemail.secret import Secret, SecretBytes


@dataclass(frozen=True, slots=True)
class Plain:
    """Shows the password to the server: only ever inside TLS."""

    username: str
    password: Secret
    authorization_identity: str = ""
    name: str = "PLAIN"

    def start(self) -> SecretBytes:
        """Return all there is to say."""
        parts = (self.authorization_identity, self.username, self.password.reveal())
        return SecretBytes("\0".join(parts).encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Refuse: PLAIN is over after the initial response."""
        raise ProtocolError(f"the server sent a challenge of {len(challenge)} bytes after PLAIN")
