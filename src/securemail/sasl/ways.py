"""The ways to log in: SASL mechanisms, the protocol's own command, a token yet to fetch.

No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from securemail.credentials import OAuthToken
from securemail.sasl.apop import Apop
from securemail.sasl.mechanism import Mechanism
from securemail.sasl.oauth import OAuthBearer, XOAuth2
from securemail.secret import Secret


@dataclass(frozen=True, slots=True)
class LoginCommand:
    """The protocol's own login command, for servers that offer no mechanism of ours."""

    username: str
    password: Secret

    name: ClassVar[str] = "LOGIN command"
    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class TokenWay:
    """A mechanism that wants an access token, which has to be fetched first.

    `name` is "OAUTHBEARER" or "XOAUTH2"; `host` and `port` are the server's.
    """

    name: str
    credentials: OAuthToken
    host: str
    port: int

    binding: ClassVar[str | None] = None
    shows_secret: ClassVar[bool] = True

    def with_token(self, token: Secret) -> Mechanism:
        """Return the mechanism that shows `token`."""
        if self.name == "XOAUTH2":
            return XOAuth2(self.credentials.username, token)
        return OAuthBearer(self.credentials.username, token, self.host, self.port)


Way = Mechanism | LoginCommand | Apop | TokenWay
