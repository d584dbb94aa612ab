"""OAUTHBEARER (RFC 7628) and XOAUTH2 as a server."""

from __future__ import annotations

import re
from typing import Final

from securemail.testing.sasl.exchange import (
    Exchange,
    MalformedResponseError,
    WrongCredentialsError,
)

_BEARER: Final = re.compile(
    rb"n,(?:a=(?P<user>[^,]+))?,\x01(?:[A-Za-z]+=[^\x01]*\x01)*?auth=Bearer (?P<token>[^\x01]+)\x01"
    rb"(?:[A-Za-z]+=[^\x01]*\x01)*\x01"
)
_XOAUTH2: Final = re.compile(rb"user=(?P<user>[^\x01]+)\x01auth=Bearer (?P<token>[^\x01]+)\x01\x01")


async def oauthbearer(exchange: Exchange) -> str:
    """Take a token; a wrong one is told in JSON, and the client must answer that with one %x01."""
    user, token = _parsed(_BEARER, await exchange.first())
    user = user.replace("=2C", ",").replace("=3D", "=")
    if _is_good(exchange, user, token):
        return user
    await _refuse(exchange, b'{"status":"invalid_token","scope":"mail"}', b"\x01")
    raise WrongCredentialsError("the token is not good")


async def xoauth2(exchange: Exchange) -> str:
    """Take a token; a wrong one is told in JSON, and the client must answer that with nothing."""
    user, token = _parsed(_XOAUTH2, await exchange.first())
    if _is_good(exchange, user, token):
        return user
    await _refuse(exchange, b'{"status":"401","schemes":"bearer","scope":"mail"}', b"")
    raise WrongCredentialsError("the token is not good")


def _parsed(grammar: re.Pattern[bytes], response: bytes) -> tuple[str, str]:
    found = grammar.fullmatch(response)
    if found is None:
        raise MalformedResponseError("not a response with a token")
    user = (found["user"] or b"").decode("utf-8", "replace")
    return user, found["token"].decode("utf-8", "replace")


def _is_good(exchange: Exchange, user: str, token: str) -> bool:
    return exchange.realm.tokens.get(token) == user


async def _refuse(exchange: Exchange, error: bytes, expected: bytes) -> None:
    if await exchange.ask(error) != expected:
        raise MalformedResponseError("the error was not answered as it should be")
