"""EXTERNAL (RFC 4422 appendix A): who we are was said by the client certificate. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from securemail.errors import ProtocolError
from securemail.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class External:
    """Asks to be taken for the one whom the certificate names.

    The authorization identity stays empty unless the account names one: some servers refuse any.
    """

    authorization_identity: str = ""
    name: str = "EXTERNAL"

    def start(self) -> SecretBytes:
        """Return the authorization identity."""
        return SecretBytes(self.authorization_identity.encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Refuse: EXTERNAL is over after the initial response."""
        raise ProtocolError(f"the server sent a challenge of {len(challenge)} bytes after EXTERNAL")
