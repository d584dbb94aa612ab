"""A secret that a server repeats does not get into our messages."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import limits
from securemail.sasl import redact
from securemail.secret import REDACTED, Secret
from securemail.wire.text import words

SECRET = Secret('hunt"er2\\')
ENCODED = base64.b64encode(b"\0alice\0" + SECRET.reveal().encode()).decode()


@pytest.mark.parametrize(
    "said",
    [
        'wrong password hunt"er2\\, try again',
        r'LOGIN alice "hunt\"er2\\"',
        f"AUTHENTICATE PLAIN {ENCODED}",
        base64.b64encode(SECRET.reveal().encode()).decode(),
        "68756e7422657232" + "5c",
        "hunt%22er2%5C",
        repr(SECRET.reveal()),
    ],
)
def test_a_secret_is_taken_out_in_every_form(said: str) -> None:
    redacted = redact(said, [SECRET])
    assert "er2" not in redacted
    assert REDACTED in redacted
    for size in range(5, len(ENCODED)):
        assert ENCODED[-size:] not in redacted


@given(
    st.text(min_size=3, alphabet=st.characters(codec="utf-8")),
    st.binary(max_size=9),
    st.binary(max_size=9),
)
def test_a_secret_is_taken_out_of_any_base64(text: str, before: bytes, after: bytes) -> None:
    secret = text.encode()
    said = base64.b64encode(before + secret + after).decode()
    assert redact(said, [Secret(text)]) != said or len(secret) < 4


@pytest.mark.parametrize("cut", range(2, 9))
def test_a_secret_that_was_cut_off_is_taken_out(cut: int) -> None:
    secret = "correcthorse"
    said = words(("x" * (limits.WORDS_CHARS - cut) + secret).encode())
    assert said.endswith(secret[:cut])
    assert secret[:cut] not in redact(said, [Secret(secret)])


def test_other_words_are_left_alone() -> None:
    said = "[AUTHENTICATIONFAILED] no such user in AGFsaWNl"
    assert redact(said, [SECRET, Secret("another")]) == said
    assert redact(said, []) == said


def test_a_secret_of_spaces_does_not_garble_everything() -> None:
    assert redact("no such user", [Secret("   ")]) == "no such user"
