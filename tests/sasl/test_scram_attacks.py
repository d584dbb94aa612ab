"""SCRAM servers that do not know the password, say no, or talk nonsense."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import LimitExceeded, ProtocolError, limits
from securemail.sasl import GS2Header, Verdict
from tests.sasl.scram_examples import (
    BINDING,
    EXAMPLES,
    RFC_7677,
    Example,
    proved,
    scram,
    started,
)

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
