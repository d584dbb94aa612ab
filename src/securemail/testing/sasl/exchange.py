"""What a mechanism needs of the protocol around it, and how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


class WrongCredentialsError(Exception):
    """The server says no."""


class WrongIdentityError(Exception):
    """The server says no: the user is right, but may not act for that identity."""


class MalformedResponseError(Exception):
    """The client broke the mechanism's grammar."""


@dataclass(frozen=True, slots=True)
class Realm:
    """Whom a server knows: passwords by user, and users by access token.

    `end_point` is the hash of the server's certificate for `tls-server-end-point`; `offered` are
    the mechanisms that the server lists.
    """

    users: Mapping[str, str]
    tokens: Mapping[str, str]
    offered: tuple[str, ...]
    end_point: bytes
    salt: bytes
    iterations: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange: the initial response, if there was one, and a way to ask for the next.

    `ask` sends a challenge and returns the response, both as they are before and after base64.
    `certified_user` is the common name of a verified client certificate.
    """

    realm: Realm
    initial: bytes | None
    ask: Callable[[bytes], Awaitable[bytes]]
    certified_user: str | None

    async def first(self) -> bytes:
        """Return the initial response; a client that sent none is asked with nothing."""
        return await self.ask(b"") if self.initial is None else self.initial
