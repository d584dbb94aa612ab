"""PLAIN (RFC 4616). No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from securemail.errors import ProtocolError
from securemail.sasl.mechanism import Denial, Verdict, surplus
from securemail.secret import Secret, SecretBytes


@dataclass(frozen=True, slots=True)
class Plain:
    """Shows the password to the server: only ever inside TLS."""

    username: str
    password: Secret
    authorization_identity: str = ""
    name: str = "PLAIN"

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = True
    is_costly: ClassVar[bool] = False
    denial: ClassVar[Denial] = Denial(Verdict.WRONG_SECRET)

    def start(self) -> SecretBytes:
        """Return all there is to say. Preparing it is the server's part (RFC 4616 section 2)."""
        parts = (self.authorization_identity, self.username, self.password.reveal())
        return SecretBytes("\0".join(parts).encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Refuse: PLAIN is over after the initial response."""
        raise ProtocolError(surplus(challenge, self.name))

    def check_success(self) -> None:
        """Believe it: PLAIN proves nothing about the server."""
