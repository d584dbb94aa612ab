"""SCRAM as a server (RFC 5802, RFC 7677), channel binding by `tls-server-end-point` (RFC 5929)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Final

from securemail.testing.sasl.exchange import (
    Exchange,
    MalformedResponseError,
    WrongCredentialsError,
)

HASHES: Final = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
END_POINT: Final = "tls-server-end-point"

_CLIENT_FIRST: Final = re.compile(
    r"(?P<header>(?P<flag>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?P<identity>[^,]+))?,)"
    r"(?P<bare>n=(?P<user>[^,]+),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+))"
)
_CLIENT_FINAL: Final = re.compile(
    r"(?P<unsigned>c=(?P<bound>[A-Za-z0-9+/=]+),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+))"
    r",p=(?P<proof>[A-Za-z0-9+/=]+)"
)


class ScramError(Exception):
    """The login fails with this server-error-value (RFC 5802 section 7)."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server keeps of a password."""

    digest: str
    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


def verifier(password: str, digest: str, salt: bytes, iterations: int) -> Verifier:
    """Derive the keys (RFC 5802 section 3)."""
    octets = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac(digest, octets, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", digest)
    return Verifier(
        digest,
        salt,
        iterations,
        stored_key=hashlib.new(digest, client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", digest),
    )


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """client-first-message, taken apart."""

    header: str
    flag: str
    identity: str
    bare: str
    user: str
    nonce: str


def parse_client_first(message: bytes) -> ClientFirst:
    """Take client-first-message apart.

    Raises:
        MalformedResponseError: it is none.

    """
    found = _CLIENT_FIRST.fullmatch(message.decode("utf-8", "replace"))
    if found is None:
        raise MalformedResponseError("not a SCRAM client's first message")
    return ClientFirst(
        header=found["header"],
        flag=found["flag"],
        identity=_unescaped(found["identity"] or ""),
        bare=found["bare"],
        user=_unescaped(found["user"]),
        nonce=found["nonce"],
    )


def _unescaped(name: str) -> str:
    return name.replace("=2C", ",").replace("=3D", "=")


def server_first(first: ClientFirst, keys: Verifier, nonce: str) -> str:
    """Return server-first-message; `nonce` is the server's part."""
    salt = base64.b64encode(keys.salt).decode()
    return f"r={first.nonce}{nonce},s={salt},i={keys.iterations}"


def server_final(
    first: ClientFirst, challenge: str, message: bytes, keys: Verifier, bound: bytes
) -> str:
    """Check client-final-message and return server-final-message.

    `bound` is the channel binding's data, empty for none.

    Raises:
        ScramError: the proof is wrong, or was made for another connection.
        MalformedResponseError: it is no such message.

    """
    found = _CLIENT_FINAL.fullmatch(message.decode("utf-8", "replace"))
    if found is None:
        raise MalformedResponseError("not a SCRAM client's final message")
    if _decoded(found["bound"]) != first.header.encode() + bound:
        raise ScramError("channel-bindings-dont-match")
    if not challenge.startswith(f"r={found['nonce']},"):
        raise ScramError("other-error")
    signed = f"{first.bare},{challenge},{found['unsigned']}".encode()
    _check_proof(_decoded(found["proof"]), signed, keys)
    signature = hmac.digest(keys.server_key, signed, keys.digest)
    return "v=" + base64.b64encode(signature).decode()


def _check_proof(proof: bytes, signed: bytes, keys: Verifier) -> None:
    mask = hmac.digest(keys.stored_key, signed, keys.digest)
    if len(proof) != len(mask):
        raise ScramError("invalid-proof")
    client_key = bytes(a ^ b for a, b in zip(proof, mask, strict=True))
    if not hmac.compare_digest(hashlib.new(keys.digest, client_key).digest(), keys.stored_key):
        raise ScramError("invalid-proof")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise MalformedResponseError("SCRAM with something that is not base64") from exc


async def scram(exchange: Exchange, mechanism: str) -> str:
    """Run the mechanism; an error is told inside the exchange, and by the refusal after it."""
    first = parse_client_first(await exchange.first())
    try:
        bound = _bound(exchange, mechanism, first.flag)
        final = await _prove(exchange, mechanism, first, bound)
    except ScramError as exc:
        await exchange.ask(f"e={exc}".encode())
        raise WrongCredentialsError(str(exc)) from exc
    await exchange.ask(final.encode())
    return first.user


async def _prove(exchange: Exchange, mechanism: str, first: ClientFirst, bound: bytes) -> str:
    if first.identity not in ("", first.user):
        raise ScramError("other-error")
    realm = exchange.realm
    # Somebody who is not there has a password that nobody knows: the answers look the same.
    password = realm.users.get(first.user, secrets.token_hex(12))
    digest = HASHES[mechanism.removesuffix("-PLUS")]
    salt = hashlib.sha256(realm.salt + first.user.encode()).digest()[:16]
    keys = verifier(password, digest, salt, realm.iterations)
    challenge = server_first(first, keys, secrets.token_urlsafe(18))
    message = await exchange.ask(challenge.encode())
    return server_final(first, challenge, message, keys, bound)


def _bound(exchange: Exchange, mechanism: str, flag: str) -> bytes:
    """Return what the connection is bound to, from what the client says (RFC 5802 section 6)."""
    has_plus = any(name.endswith("-PLUS") for name in exchange.realm.offered)
    if flag == "y" and has_plus:
        raise ScramError("server-does-support-channel-binding")
    if mechanism.endswith("-PLUS") != flag.startswith("p="):
        raise ScramError("channel-binding-not-supported")
    if not flag.startswith("p="):
        return b""
    if flag != f"p={END_POINT}":
        # Python's ssl has no exporter, so that there is no tls-exporter here.
        raise ScramError("unsupported-channel-binding-type")
    return exchange.realm.end_point
