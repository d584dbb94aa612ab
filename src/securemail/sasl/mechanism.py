"""What a SASL mechanism is to us (RFC 4422 section 5). No I/O here."""

from __future__ import annotations

from typing import Protocol

from securemail.secret import SecretBytes


class Mechanism(Protocol):
    """One exchange: made for one login, used once."""

    @property
    def name(self) -> str:
        """Its registered name."""

    def start(self) -> SecretBytes | None:
        """Return the initial response, or None where the server speaks first.

        An empty one is not the same as none (RFC 4422 section 5.1).
        """

    def respond(self, challenge: bytes) -> SecretBytes:
        """Return the answer to `challenge`.

        Raises: ProtocolError when the mechanism has no answer to it.
        """
