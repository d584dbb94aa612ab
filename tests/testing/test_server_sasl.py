"""The MailServer's side of SASL: the RFCs' examples, and raw clients that break the rules."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass

import pytest

from securemail.testing import CertificateAuthority, MailServer, Offer
from securemail.testing.sasl.exchange import MalformedResponseError
from securemail.testing.sasl.scram import (
    HASHES,
    ScramError,
    Verifier,
    parse_client_first,
    server_final,
    server_first,
    verifier,
)
from tests.testing.clients import RawIMAP, raw_imap

EVERYTHING = Offer(
    mechanisms=(
        *("PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "XOAUTH2"),
        *(name + plus for name in HASHES for plus in ("-PLUS", "")),
    )
)
WRONG = b"x NO [AUTHENTICATIONFAILED] wrong credentials"


@dataclass(frozen=True)
class Example:
    digest: str
    salt: str
    client_first: bytes
    nonce: str
    client_final: bytes
    server_final: str


RFC_5802 = Example(
    "sha1",
    "QSXCR+Q6sek8bf92",
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    "3rfcNHYJY1ZVvWVs7j",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = Example(
    "sha256",
    "W22ZaJ0SNY7soEsUEjb6gQ==",
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
EXAMPLES = pytest.mark.parametrize("example", [RFC_5802, RFC_7677], ids=lambda e: e.digest)


def keys(example: Example, password: str = "pencil") -> Verifier:
    return verifier(password, example.digest, base64.b64decode(example.salt), 4096)


@EXAMPLES
def test_the_rfcs_examples_of_scram_are_reproduced(example: Example) -> None:
    first = parse_client_first(example.client_first)
    challenge = server_first(first, keys(example), example.nonce)
    final = server_final(first, challenge, example.client_final, keys(example), b"")
    assert final == example.server_final


@EXAMPLES
def test_a_proof_of_another_password_is_refused(example: Example) -> None:
    first = parse_client_first(example.client_first)
    challenge = server_first(first, keys(example), example.nonce)
    with pytest.raises(ScramError, match="invalid-proof"):
        server_final(first, challenge, example.client_final, keys(example, "crayon"), b"")
    with pytest.raises(ScramError, match="channel-bindings-dont-match"):
        server_final(first, challenge, example.client_final, keys(example), b"bound")


@pytest.mark.parametrize("message", [b"", b"n=user,r=abc", b"n,,n=,r=a", b"x,,n=u,r=a", b"n,,n=u"])
def test_a_first_message_that_is_none_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        parse_client_first(message)


async def ask(client: RawIMAP, *responses: bytes) -> bytes:
    """Begin with the first of `responses`, give the others base64, and return the last answer."""
    answer = (await client.ask(b"AUTHENTICATE " + responses[0]))[-1]
    for response in responses[1:]:
        assert answer.startswith(b"+ "), answer
        client.send(base64.b64encode(response) + b"\r\n")
        answer = (await client.answer())[-1]
    return answer


@pytest.mark.parametrize(
    ("responses", "answer"),
    [
        ((b"LOGIN", b"alice", b"secret"), b"x OK"),
        ((b"LOGIN", b"alice", b"wrong"), WRONG),
        ((b"CRAM-MD5", b"alice 00000000000000000000000000000000"), WRONG),
        ((b"CRAM-MD5", b"nonsense"), WRONG),
        ((b"OAUTHBEARER", b"n,a=alice,\1auth=Bearer good\1\1"), b"x OK"),
        ((b"OAUTHBEARER", b"n,a=alice,\1host=h\1port=1\1auth=Bearer good\1\1"), b"x OK"),
        (
            (b"OAUTHBEARER", b"n,a=bob,\1auth=Bearer good\1\1", b"\1"),
            b"x NO [AUTHENTICATIONFAILED]",
        ),
        ((b"OAUTHBEARER", b"n,a=alice,\1auth=Bearer bad\1\1", b""), b"x BAD"),
        ((b"OAUTHBEARER", b"n,a=alice,\1\1"), b"x BAD"),
        ((b"XOAUTH2", b"user=alice\1auth=Bearer good\1\1"), b"x OK"),
        ((b"XOAUTH2", b"user=alice\1auth=Bearer bad\1\1", b""), b"x NO [AUTHENTICATIONFAILED]"),
        ((b"XOAUTH2", b"user=alice\1auth=Bearer bad\1\1", b"\1"), b"x BAD"),
        ((b"SCRAM-SHA-256", b"nonsense"), b"x BAD"),
        ((b"SCRAM-SHA-256", b"n,,n=alice,r=abc", b"nonsense"), b"x BAD"),
        ((b"SCRAM-SHA-256", b"n,a=bob,n=alice,r=abc", b""), b"x NO [AUTHENTICATIONFAILED]"),
        ((b"SCRAM-SHA-256", b"y,,n=alice,r=abc", b""), b"x NO [AUTHENTICATIONFAILED] server-does"),
        ((b"SCRAM-SHA-256-PLUS", b"n,,n=alice,r=abc", b""), b"x NO"),
        ((b"SCRAM-SHA-256-PLUS", b"p=tls-unique,,n=alice,r=abc", b""), b"x NO"),
    ],
)
async def test_an_exchange_ends_as_it_should(
    ca: CertificateAuthority,
    trusting: ssl.SSLContext,
    responses: tuple[bytes, ...],
    answer: bytes,
) -> None:
    async with (
        MailServer(
            {"alice": "secret"}, ca=ca, tokens={"good": "alice"}, offer=EVERYTHING
        ) as server,
        raw_imap(server, trusting) as client,
    ):
        assert (await ask(client, *responses)).startswith(answer)
