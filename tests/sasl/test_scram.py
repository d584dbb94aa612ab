"""SCRAM: the RFCs' examples, what is proved, and what a bad server can try."""

from __future__ import annotations

import pytest
import scramp

from securemail import Password
from securemail.proof import ChannelBinding
from securemail.sasl import GS2Header, Scram
from securemail.testing.sasl.scram import (
    HASHES,
    ScramError,
    parse_client_first,
    server_final,
    server_first,
    verifier,
)
from tests.sasl.scram_examples import (
    BINDING,
    EXAMPLES,
    RFC_7677,
    Example,
    proved,
    scram,
    started,
)

SALT = b"0123456789abcdef"


def log_in(client: Scram, *, password: str = "pencil", bound: bytes = b"") -> str:
    """Run `client` against the test server's implementation; return the user's name."""
    first = parse_client_first(client.start().reveal())
    digest = HASHES[client.name.removesuffix("-PLUS")]
    keys = verifier(password, digest, SALT, 4096)
    challenge = server_first(first, keys, "theirs")
    proof = client.respond(challenge.encode()).reveal()
    final = server_final(first, challenge, proof, keys, bound)
    assert client.respond(final.encode()).reveal() == b""
    client.check_success()
    return first.user


@EXAMPLES
def test_the_rfcs_examples_are_reproduced(example: Example) -> None:
    client = scram(example.name, nonce=example.nonce)
    assert client.start().reveal() == f"n,,n=user,r={example.nonce}".encode()
    assert client.respond(example.server_first).reveal() == example.client_final
    assert client.respond(example.server_final).reveal() == b""
    client.check_success()


@pytest.mark.parametrize("name", HASHES)
def test_each_mechanism_logs_in_at_an_independent_server(name: str) -> None:
    assert log_in(scram(name)) == "user"


@pytest.mark.parametrize("name", HASHES)
def test_each_mechanism_logs_in_at_the_librarys_own_server(name: str) -> None:
    mechanism = scramp.ScramMechanism(name)
    server = mechanism.make_server(lambda _: mechanism.make_auth_info("pencil"))
    client = scram(name)
    server.set_client_first(client.start().reveal().decode())
    proof = client.respond(server.get_server_first().encode())
    server.set_client_final(proof.reveal().decode())
    client.respond(server.get_server_final().encode())
    client.check_success()


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("binding", ["tls-exporter", "tls-server-end-point"])
def test_a_binding_is_proved(name: str, binding: str) -> None:
    header = GS2Header(binding=ChannelBinding(binding, b"of this connection"))
    client = scram(f"{name}-PLUS", header=header)
    assert client.binding == binding
    assert client.start().reveal().startswith(f"p={binding},,".encode())
    client = scram(f"{name}-PLUS", header=header)
    assert log_in(client, bound=b"of this connection") == "user"


def test_a_binding_to_another_connection_is_noticed_by_the_server() -> None:
    client = scram("SCRAM-SHA-256-PLUS", header=GS2Header(binding=BINDING))
    with pytest.raises(ScramError, match="channel-bindings-dont-match"):
        log_in(client, bound=b"y" * 32)


@pytest.mark.parametrize(
    ("header", "flag"),
    [
        (GS2Header(), b"n,,"),
        (GS2Header(could_bind=True), b"y,,"),
        (GS2Header(binding=BINDING), b"p=tls-exporter,,"),
        (GS2Header("bo,ss=", could_bind=True), b"y,a=bo=2Css=3D,"),
    ],
)
def test_the_flag_tells_what_we_can_and_what_we_saw(header: GS2Header, flag: bytes) -> None:
    first = scram(header=header).start().reveal()
    assert first == flag + b"n=user,r=" + RFC_7677.nonce.encode()


def test_names_and_passwords_are_prepared() -> None:
    client = scram(credentials=Password("I\N{SOFT HYPHEN},=", "\N{ROMAN NUMERAL NINE}"))
    assert client.start().reveal().startswith(b"n,,n=I=2C=3D,r=")
    client = scram(credentials=Password("u\N{SOFT HYPHEN}ser", "\N{ROMAN NUMERAL NINE}"))
    assert log_in(client, password="IX") == "user"


def test_a_password_may_have_an_emoji() -> None:
    password = "pass\N{GRINNING FACE}word"
    assert log_in(scram(credentials=Password("user", password)), password=password) == "user"


def test_only_the_derivation_of_the_key_is_costly() -> None:
    client = started()
    before = client.is_costly
    client.respond(RFC_7677.server_first)
    assert (before, client.is_costly) == (True, False)


def test_nothing_secret_shows_in_its_repr() -> None:
    client = proved()
    assert "pencil" not in repr(client)
    header = repr(GS2Header(binding=BINDING))
    assert "xxxx" not in header
