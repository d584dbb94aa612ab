"""PLAIN, LOGIN, EXTERNAL and CRAM-MD5 (RFC 4616, RFC 4422 appendix A, RFC 2195)."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from securemail.testing.sasl.exchange import (
    Exchange,
    MalformedResponseError,
    WrongCredentialsError,
    WrongIdentityError,
)

WRONG: Final = "wrong credentials"


async def plain(exchange: Exchange) -> str:
    """Take authorization identity NUL user NUL password."""
    parts = (await exchange.first()).split(b"\0")
    if len(parts) != 3:
        raise MalformedResponseError("PLAIN needs three parts")
    identity, user, password = parts
    if identity not in (b"", user):
        raise WrongIdentityError("nobody acts for another user here")
    return checked(exchange, user, password)


async def login(exchange: Exchange) -> str:
    """Ask for the user, then for the password."""
    user = await exchange.ask(b"Username:") if exchange.initial is None else exchange.initial
    return checked(exchange, user, await exchange.ask(b"Password:"))


async def external(exchange: Exchange) -> str:
    """Take the user from the verified client certificate."""
    response = await exchange.first()
    user = exchange.certified_user
    if user is None or user not in exchange.realm.users:
        raise WrongCredentialsError("no client certificate of a user here")
    if response not in (b"", user.encode()):
        raise WrongIdentityError("the certificate is another user's")
    return user


async def cram_md5(exchange: Exchange) -> str:
    """Ask for the keyed digest of something that was never asked before."""
    challenge = f"<{secrets.token_hex(12)}@securemail.testing>".encode()
    name, _, digest = (await exchange.ask(challenge)).rpartition(b" ")
    user = name.decode("utf-8", "replace")
    password = exchange.realm.users.get(user, secrets.token_hex(12))
    expected = hmac.digest(password.encode(), challenge, "md5").hex()
    if not hmac.compare_digest(expected.encode(), digest):
        raise WrongCredentialsError(WRONG)
    return user


def checked(exchange: Exchange, user: bytes, password: bytes) -> str:
    """Return the user's name if that is the password."""
    name = user.decode("utf-8", "replace")
    known = exchange.realm.users.get(name)
    if known is None or not hmac.compare_digest(known.encode(), password):
        raise WrongCredentialsError(WRONG)
    return name
