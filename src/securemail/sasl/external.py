"""EXTERNAL (RFC 4422 appendix A): who we are was said by the client certificate. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from securemail.errors import ProtocolError
from securemail.sasl.mechanism import Denial, Verdict, surplus
from securemail.secret import SecretBytes


@dataclass(frozen=True, slots=True)
class External:
    """Asks to be taken for the one whom the certificate names.

    The authorization identity stays empty unless the account names one: some servers refuse any.
    """

    authorization_identity: str = ""
    name: str = "EXTERNAL"

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = False
    is_costly: ClassVar[bool] = False
    denial: ClassVar[Denial] = Denial(Verdict.REFUSED)

    def start(self) -> SecretBytes:
        """Return the authorization identity."""
        return SecretBytes(self.authorization_identity.encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Refuse: EXTERNAL is over after the initial response."""
        raise ProtocolError(surplus(challenge, self.name))

    def check_success(self) -> None:
        """Believe it: the server was authenticated by TLS."""
