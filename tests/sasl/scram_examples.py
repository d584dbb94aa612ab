"""The RFCs' examples of SCRAM, and clients in the middle of them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from securemail import Password
from securemail.proof import ChannelBinding
from securemail.sasl import GS2Header, Scram

PENCIL = Password("user", "pencil")
BINDING = ChannelBinding("tls-exporter", b"x" * 32)


@dataclass(frozen=True)
class Example:
    name: str
    nonce: str
    server_first: bytes
    client_final: bytes
    server_final: bytes


RFC_5802 = Example(
    "SCRAM-SHA-1",
    "fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = Example(
    "SCRAM-SHA-256",
    "rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
EXAMPLES = pytest.mark.parametrize("example", [RFC_5802, RFC_7677], ids=lambda e: e.name)


def scram(
    name: str = "SCRAM-SHA-256",
    *,
    credentials: Password = PENCIL,
    header: GS2Header | None = None,
    nonce: str = RFC_7677.nonce,
) -> Scram:
    return Scram(name, credentials, header or GS2Header(), nonce)


def started(example: Example = RFC_7677) -> Scram:
    client = scram(example.name, nonce=example.nonce)
    client.start()
    return client


def proved(example: Example = RFC_7677) -> Scram:
    client = started(example)
    client.respond(example.server_first)
    return client
