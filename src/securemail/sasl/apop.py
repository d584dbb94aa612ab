"""POP3's APOP (RFC 1939 section 7), which is no SASL mechanism. No I/O here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from securemail.secret import Secret


@dataclass(frozen=True, slots=True)
class Apop:
    """Proves the password without showing it, cheap to guess for whoever has seen the proof.

    Only for accounts that name it, and only with a timestamp that the server has said inside TLS:
    whoever may choose it learns the password from some hundred logins (CVE-2007-1558).
    """

    username: str
    password: Secret
    timestamp: bytes

    name: ClassVar[str] = "APOP"
    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = False

    @property
    def digest(self) -> Secret:
        """What proves it, in hexadecimal digits."""
        text = self.timestamp + self.password.reveal().encode()
        return Secret(hashlib.md5(text, usedforsecurity=False).hexdigest())
