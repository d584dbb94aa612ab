"""OAUTHBEARER (RFC 7628) and XOAUTH2, what Google and Microsoft had before it. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Final

from securemail.errors import ProtocolError
from securemail.sasl.mechanism import Denial, Verdict, surplus
from securemail.sasl.names import authzid
from securemail.secret import Secret, SecretBytes

# The one member of the server's JSON that a person can use. Looked for instead of parsed: a parser
# of nested JSON recurses over what the server sends.
_STATUS: Final = re.compile(rb'"status"\s*:\s*"?([\w.-]{1,64})')

# RFC 6750 section 3.1: a fresh token would have the same scope.
_FINAL_STATUS: Final = frozenset({"insufficient_scope"})


@dataclass(slots=True)
class OAuthBearer:
    """Shows an access token to the server: only ever inside TLS."""

    username: str
    token: Secret
    host: str
    port: int
    name: str = "OAUTHBEARER"
    _denial: Denial | None = field(default=None, init=False)

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = True
    is_costly: ClassVar[bool] = False

    @property
    def denial(self) -> Denial:
        """What the server's JSON said, if it sent any."""
        return self._denial or Denial(Verdict.REFUSED)

    def start(self) -> SecretBytes:
        """Return all there is to say (RFC 7628 section 3.1)."""
        fields = (f"host={self.host}", f"port={self.port}", f"auth=Bearer {self.token.reveal()}")
        header = f"n,{authzid(self.username)},"
        return SecretBytes(("\x01".join((header, *fields)) + "\x01\x01").encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Take note of why the token was refused, and let the server say no (section 3.2.3).

        Raises: ProtocolError for a second challenge.
        """
        if self._denial is not None:
            raise ProtocolError(surplus(challenge, self.name))
        self._denial = denial(challenge)
        return SecretBytes(b"\x01")

    def check_success(self) -> None:
        """Believe it, unless the server has refused the token before.

        Raises: ProtocolError.
        """
        _check_not_denied(self._denial)


@dataclass(slots=True)
class XOAuth2:
    """Shows an access token to the server: only ever inside TLS, and only without OAUTHBEARER."""

    username: str
    token: Secret
    name: str = "XOAUTH2"
    _denial: Denial | None = field(default=None, init=False)

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = True
    is_costly: ClassVar[bool] = False

    @property
    def denial(self) -> Denial:
        """What the server's JSON said, if it sent any."""
        return self._denial or Denial(Verdict.REFUSED)

    def start(self) -> SecretBytes:
        """Return all there is to say."""
        text = f"user={self.username}\x01auth=Bearer {self.token.reveal()}\x01\x01"
        return SecretBytes(text.encode())

    def respond(self, challenge: bytes) -> SecretBytes:
        """Take note of why the token was refused, and let the server say no.

        Raises: ProtocolError for a second challenge.
        """
        if self._denial is not None:
            raise ProtocolError(surplus(challenge, self.name))
        self._denial = denial(challenge)
        return SecretBytes(b"")

    def check_success(self) -> None:
        """Believe it, unless the server has refused the token before.

        Raises: ProtocolError.
        """
        _check_not_denied(self._denial)


def denial(challenge: bytes) -> Denial:
    """Return what the server's error challenge says (RFC 7628 section 3.2.2)."""
    found = _STATUS.search(challenge)
    if found is None:
        return Denial(Verdict.REFUSED, "no status")
    status = found[1].decode("ascii", "replace")
    is_final = status in _FINAL_STATUS
    return Denial(Verdict.WRONG_SECRET if is_final else Verdict.REFUSED, f"status {status}")


def _check_not_denied(noted: Denial | None) -> None:
    if noted is not None:
        raise ProtocolError("the server claims success after it has refused the token")
