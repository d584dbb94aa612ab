"""SCRAM: the RFCs' examples, what is proved, and what a bad server can try."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass

import pytest
import scramp
from hypothesis import given
from hypothesis import strategies as st

from securemail import LimitExceeded, Password, ProtocolError, limits
from securemail.proof import ChannelBinding
from securemail.sasl import GS2Header, Scram, Verdict
from securemail.testing.sasl.scram import (
    HASHES,
    ScramError,
    parse_client_first,
    server_final,
    server_first,
    verifier,
)

PENCIL = Password("user", "pencil")
BINDING = ChannelBinding("tls-exporter", b"x" * 32)
SALT = b"0123456789abcdef"


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


# --- a server that does not know the password


@EXAMPLES
def test_a_wrong_signature_is_refused(example: Example) -> None:
    client = proved(example)
    forged = b"v=" + base64.b64encode(b"f" * len(base64.b64decode(example.server_final[2:])))
    with pytest.raises(ProtocolError, match="did not prove"):
        client.respond(forged)
    with pytest.raises(ProtocolError):
        client.check_success()


@EXAMPLES
def test_success_before_the_signature_is_not_believed(example: Example) -> None:
    for client in (started(example), proved(example)):
        with pytest.raises(ProtocolError, match="did not prove"):
            client.check_success()


OURS = RFC_7677.nonce.encode()


@pytest.mark.parametrize("nonce", [b"somebodyelses", OURS, OURS[:-1], OURS.lower() + b"theirs"])
def test_a_nonce_that_does_not_continue_ours_is_refused(nonce: bytes) -> None:
    with pytest.raises(ProtocolError, match="does not continue ours"):
        started().respond(b"r=" + nonce + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")


NONCE = OURS + b"theirs"


@pytest.mark.parametrize(
    ("count", "limit"),
    [
        (1, limits.SCRAM_MIN_ITERATIONS),
        (4095, limits.SCRAM_MIN_ITERATIONS),
        (limits.SCRAM_MAX_ITERATIONS + 1, limits.SCRAM_MAX_ITERATIONS),
        (9_999_999_999, limits.SCRAM_MAX_ITERATIONS),
    ],
)
def test_too_few_iterations_and_too_many_are_refused(count: int, limit: int) -> None:
    with pytest.raises(LimitExceeded, match=f"{count} SCRAM iterations") as caught:
        started().respond(b"r=%s,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=%d" % (NONCE, count))
    assert caught.value.limit == limit


@pytest.mark.parametrize(
    "message",
    [
        b"m=ext,r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=" + NONCE + b",m=ext,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,m=ext",
        b"r=" + NONCE + b",s=,i=4096",
        b"r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6g,i=4096",
        b"r=" + NONCE + b",s=!!!!,i=4096",
        b"r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0x1000",
        b"r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-4096",
        b"r=" + NONCE + b",s=W22ZaJ0SNY7soEsUEjb6gQ==",
        b"r=" + NONCE + b",i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==",
        b"",
        b"\xff",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ],
)
def test_a_first_message_that_is_none_is_refused(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        started().respond(message)


def test_an_extension_that_may_be_ignored_is_ignored() -> None:
    assert started().respond(RFC_7677.server_first + b",x=unknown").reveal().startswith(b"c=biws,")


def test_a_challenge_after_the_signature_has_no_answer() -> None:
    client = proved()
    client.respond(RFC_7677.server_final)
    with pytest.raises(ProtocolError):
        client.respond(b"")


# --- a server that says no


def test_a_refusal_before_the_salt_says_nothing_about_the_password() -> None:
    assert started().denial.verdict is Verdict.REFUSED


def test_a_refusal_of_the_proof_says_that_the_password_is_wrong() -> None:
    assert proved().denial.verdict is Verdict.WRONG_SECRET


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        ("invalid-proof", Verdict.WRONG_SECRET),
        ("channel-bindings-dont-match", Verdict.UNTRUSTED),
        ("server-does-support-channel-binding", Verdict.UNTRUSTED),
        ("channel-binding-not-supported", Verdict.BINDING_UNKNOWN),
        ("unsupported-channel-binding-type", Verdict.BINDING_UNKNOWN),
        ("unknown-user", Verdict.REFUSED),
        ("whatever", Verdict.REFUSED),
    ],
)
def test_an_error_of_the_server_is_noted_and_answered_with_nothing(
    error: str, verdict: Verdict
) -> None:
    client = scram("SCRAM-SHA-256-PLUS", header=GS2Header(binding=BINDING))
    client.start()
    assert client.respond(f"e={error}".encode()).reveal() == b""
    assert client.denial.verdict is verdict
    assert client.denial.words == error
    with pytest.raises(ProtocolError):
        client.check_success()


def test_the_binding_can_only_be_unknown_to_a_server_that_was_told_of_one() -> None:
    client = started()
    client.respond(b"e=channel-binding-not-supported")
    assert client.denial.verdict is Verdict.REFUSED


@given(st.lists(st.binary(max_size=80), max_size=4), st.booleans())
def test_any_challenges_have_an_answer_or_are_the_servers_fault(
    challenges: list[bytes], has_started_well: bool
) -> None:
    client = proved() if has_started_well else started()
    try:
        for challenge in challenges:
            client.respond(challenge)
    except ProtocolError:
        pass
    with pytest.raises(ProtocolError):
        client.check_success()


@given(st.from_regex(rb"\Ar=[!-~]{1,9},s=[A-Za-z0-9+/=]{0,9},i=[0-9]{1,5}(,[a-z]=.)?\Z"))
def test_any_first_message_has_an_answer_or_is_the_servers_fault(rest: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        started().respond(rest.replace(b"r=", b"r=" + OURS, 1))


def test_nothing_secret_shows_in_its_repr() -> None:
    client = proved()
    assert "pencil" not in repr(client)
    header = repr(GS2Header(binding=BINDING))
    assert "xxxx" not in header
