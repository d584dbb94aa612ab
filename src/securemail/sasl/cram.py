"""CRAM-MD5 (RFC 2195). No I/O here."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from securemail.errors import ProtocolError
from securemail.sasl.mechanism import Denial, Verdict, surplus
from securemail.secret import Secret, SecretBytes

# Where OpenSSL is told to keep to FIPS 140, MD5 is there for what is not called security only.
_md5: Final = partial(hashlib.md5, usedforsecurity=False)


@dataclass(slots=True)
class CramMD5:
    """Proves the password without showing it, cheap to guess for whoever reads along.

    Only for accounts that name it: RFC 6331 and its kin have moved what it can do to SCRAM.
    """

    username: str
    password: Secret
    name: str = "CRAM-MD5"
    digest: Secret | None = None  # what was sent: whoever reads it in a log can guess at leisure

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = False
    is_costly: ClassVar[bool] = False

    @property
    def denial(self) -> Denial:
        """Before the answer was sent, a "no" is about something else."""
        return Denial(Verdict.WRONG_SECRET if self.digest else Verdict.REFUSED)

    def start(self) -> None:
        """Let the server speak first."""

    def respond(self, challenge: bytes) -> SecretBytes:
        """Return the name and the keyed digest of `challenge`.

        Raises: ProtocolError for a second one, and for an empty one: its digest would be the same
        for everybody who ever asks.
        """
        if self.digest is not None:
            raise ProtocolError(surplus(challenge, self.name))
        if not challenge:
            raise ProtocolError("the server sent an empty challenge for CRAM-MD5")
        key = self.password.reveal().encode()
        self.digest = Secret(hmac.new(key, challenge, _md5).hexdigest())
        return SecretBytes(f"{self.username} {self.digest.reveal()}".encode())

    def check_success(self) -> None:
        """Believe it: CRAM-MD5 proves nothing about the server."""
