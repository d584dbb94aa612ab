"""The other mechanisms: what they say, and what they make of a server."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import securemail.sasl
from securemail import ProtocolError
from securemail.sasl import (
    CramMD5,
    External,
    Login,
    Mechanism,
    OAuthBearer,
    Plain,
    Verdict,
    XOAuth2,
)
from securemail.secret import Secret, SecretBytes

PASSWORD = Secret("tanstaaftanstaaf")
TOKEN = Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")


def bearer() -> OAuthBearer:
    return OAuthBearer("user@example.com", TOKEN, "server.example.com", 143)


NEW: dict[str, Callable[[], Mechanism]] = {
    "PLAIN": lambda: Plain("tim", PASSWORD),
    "LOGIN": lambda: Login("tim", PASSWORD),
    "CRAM-MD5": lambda: CramMD5("tim", PASSWORD),
    "EXTERNAL": External,
    "OAUTHBEARER": bearer,
    "XOAUTH2": lambda: XOAuth2("tim", TOKEN),
}


def test_the_module_exports_what_it_says() -> None:
    assert sorted(securemail.sasl.__all__) == list(securemail.sasl.__all__)
    for name in securemail.sasl.__all__:
        assert getattr(securemail.sasl, name).__doc__ or name == "Way"


@pytest.mark.parametrize("name", NEW)
def test_a_mechanism_has_its_registered_name_and_shows_no_secret(name: str) -> None:
    mechanism = NEW[name]()
    mechanism.start()
    assert mechanism.name == name
    assert "tanstaaf" not in repr(mechanism)
    assert "vF9dft" not in repr(mechanism)


@pytest.mark.parametrize("name", NEW)
@given(challenges=st.lists(st.binary(max_size=60), max_size=4))
def test_any_challenges_have_an_answer_or_are_the_servers_fault(
    name: str, challenges: list[bytes]
) -> None:
    mechanism = NEW[name]()
    mechanism.start()
    try:
        for challenge in challenges:
            assert isinstance(mechanism.respond(challenge), SecretBytes)
    except ProtocolError:
        pass
    assert isinstance(mechanism.denial.verdict, Verdict)


@pytest.mark.parametrize("name", NEW)
def test_no_mechanism_answers_for_ever(name: str) -> None:
    mechanism = NEW[name]()
    mechanism.start()
    with contextlib.suppress(ProtocolError):
        mechanism.respond(b"one")
        mechanism.respond(b"two")
    with pytest.raises(ProtocolError, match=f"after {name}"):
        mechanism.respond(b"more")


def test_login_answers_two_prompts_whatever_they_say() -> None:
    login: Mechanism = Login("tim", PASSWORD)
    assert login.start() is None
    said = [login.respond(prompt).reveal() for prompt in (b"Username:", b"Kennwort")]
    assert said == [b"tim", b"tanstaaftanstaaf"]
    login.check_success()


@pytest.mark.parametrize(("prompts", "verdict"), [(1, Verdict.REFUSED), (2, Verdict.WRONG_SECRET)])
def test_the_password_is_wrong_only_once_it_was_sent(prompts: int, verdict: Verdict) -> None:
    login = Login("tim", PASSWORD)
    for _ in range(prompts):
        login.respond(b"")
    assert login.denial.verdict is verdict


def test_cram_md5_is_as_in_rfc_2195() -> None:
    cram = CramMD5("tim", PASSWORD)
    answer = cram.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer.reveal() == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_cram_md5_does_not_answer_nothing() -> None:
    with pytest.raises(ProtocolError, match="empty challenge"):
        CramMD5("tim", PASSWORD).respond(b"")


def test_oauthbearer_is_as_in_rfc_7628() -> None:
    assert base64.b64encode(bearer().start().reveal()) == (
        b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9Qm"
        b"VhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )


ERROR = base64.b64decode(
    "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb2"
    "4iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
)


def test_the_error_of_oauthbearer_is_answered_as_in_rfc_7628() -> None:
    mechanism = bearer()
    mechanism.start()
    assert base64.b64encode(mechanism.respond(ERROR).reveal()) == b"AQ=="
    assert mechanism.denial.words == "status invalid_token"
    assert mechanism.denial.verdict is Verdict.REFUSED


def test_xoauth2_says_user_and_token_and_answers_the_error_with_nothing() -> None:
    mechanism = XOAuth2(
        "someuser@example.com", Secret("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    )
    assert base64.b64encode(mechanism.start().reveal()) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJ"
        b"oZG1semRHRXVZMjl0Q2cBAQ=="
    )
    assert mechanism.respond(b'{"status":"400","schemes":"bearer"}').reveal() == b""
    assert mechanism.denial.words == "status 400"


@pytest.mark.parametrize(
    ("challenge", "words", "verdict"),
    [
        (b'{"status": 401}', "status 401", Verdict.REFUSED),
        (b'{"status":"insufficient_scope"}', "status insufficient_scope", Verdict.WRONG_SECRET),
        (b"[" * 10_000, "no status", Verdict.REFUSED),
        (b"\xff\0", "no status", Verdict.REFUSED),
        (b"", "no status", Verdict.REFUSED),
    ],
)
@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_the_status_is_found_in_whatever_the_server_sends(
    name: str, challenge: bytes, words: str, verdict: Verdict
) -> None:
    mechanism = NEW[name]()
    mechanism.start()
    mechanism.respond(challenge)
    assert (mechanism.denial.words, mechanism.denial.verdict) == (words, verdict)


@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_success_after_the_token_was_refused_is_not_believed(name: str) -> None:
    mechanism = NEW[name]()
    mechanism.start()
    mechanism.respond(ERROR)
    with pytest.raises(ProtocolError):
        mechanism.check_success()
