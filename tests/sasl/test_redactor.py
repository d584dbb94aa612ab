"""What a server repeats behind the login is known again, and the secret itself is not kept."""

from __future__ import annotations

import base64
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from securemail import limits
from securemail.sasl import Redactor
from securemail.sasl.redact import forms
from securemail.sasl.redactor import HEAD_CHARS, MIN_CHARS, NOTHING
from securemail.secret import REDACTED, Secret
from securemail.wire.text import words
from tests.session.repeating import CANARY, REPEATED, TOKEN

REDACTOR = Redactor.of([Secret(CANARY), Secret(TOKEN)])
LONG = "ey" + "".join(f"{n:03}" for n in range(400))
ORDINARY = st.text(alphabet=" abdefghijklm[]5.,", max_size=200)
ANY = st.text(alphabet=st.characters(codec="utf-8"))


@pytest.mark.parametrize("secret", [CANARY, TOKEN])
@pytest.mark.parametrize("form", REPEATED)
@pytest.mark.parametrize(
    ("before", "after"), [(b"", b""), (b"NO ", b""), (b"", b" NO"), (b"a ", b" b")]
)
def test_each_form_is_known_at_each_place(
    form: str, secret: str, before: bytes, after: bytes
) -> None:
    said = REPEATED[form](secret).replace(b"\n", b"")
    for redacted in (
        REDACTOR.words(before + said + after),
        REDACTOR((before + said + after).decode()),
        REDACTOR(repr(words(before + said + after))),
    ):
        assert REDACTED in redacted
        assert secret[2:9] not in redacted


def test_a_secret_with_one_quote_is_known_among_words_with_the_other() -> None:
    redactor = Redactor.of([Secret("c4nary'x")])
    assert redactor(repr(words(b"c4nary'x is wrong"))) == f'"{REDACTED} is wrong"'
    assert redactor(repr(words(b'"c4nary\'x" is wrong'))) == f"'\"{REDACTED}\" is wrong'"


def test_a_control_character_is_known_where_it_is_escaped() -> None:
    redactor = Redactor.of([Secret("c4n'ary\tx")])
    assert redactor(repr("c4n'ary\tx is wrong")) == f'"{REDACTED} is wrong"'


@given(ANY.filter(lambda text: len(text.strip()) >= MIN_CHARS), ORDINARY, ORDINARY)
def test_any_secret_is_known_among_any_words(secret: str, before: str, after: str) -> None:
    assume("\0" not in secret and secret not in before + after)
    redactor = Redactor.of([Secret(secret)])
    assert secret not in redactor(before + secret + after).replace(REDACTED, "\0")
    if secret.isprintable():
        said = redactor.words((before + secret + after).encode())
        assert secret not in said.replace(REDACTED, "\0")


@given(st.text(), st.lists(ANY, max_size=3), st.binary())
def test_no_text_is_too_strange(message: str, known: list[str], said: bytes) -> None:
    redactor = Redactor.of(map(Secret, known))
    redactor(message)
    assert redactor.words(said).isprintable()


@given(st.text(max_size=limits.WORDS_CHARS // 2), st.binary(max_size=limits.WORDS_CHARS))
def test_words_without_a_secret_stay_as_they_are(message: str, said: bytes) -> None:
    assert REDACTOR(message) == message
    assert REDACTOR.words(said) == words(said)
    assert NOTHING(message) == message


@given(st.binary())
def test_without_a_secret_words_are_as_ever(said: bytes) -> None:
    assert NOTHING.words(said) == words(said)


def test_a_short_secret_does_not_turn_words_into_stars() -> None:
    redactor = Redactor.of([Secret("e"), Secret(""), Secret("   "), Secret("sec")])
    assert redactor("no such user; see section 3") == "no such user; see section 3"
    assert redactor("no section 736563") == f"no section {REDACTED}"


def test_what_overlaps_goes_as_a_whole() -> None:
    redactor = Redactor.of([Secret("abcdef"), Secret("defghi"), Secret("bcde")])
    assert redactor("1 abcdefghi 2 abcdefabcdef 3") == f"1 {REDACTED} 2 {REDACTED}{REDACTED} 3"


@pytest.mark.parametrize("at", range(limits.WORDS_CHARS - 30, limits.WORDS_CHARS + 2))
def test_a_secret_where_words_are_cut_does_not_show(at: int) -> None:
    secret = "corr3cth0rse"
    redactor = Redactor.of([Secret(secret)])
    said = ("x" * at + secret + " and more").encode()
    whole = redactor.words(said)
    assert "c" not in whole.replace(REDACTED, "")
    assert len(whole) <= limits.WORDS_CHARS + len(REDACTED)
    for message in (f"{words(said)!r} instead of a unique id", f"the server said: {words(said)}"):
        assert "corr" not in redactor(message)
        assert "co" not in redactor(message).removesuffix(REDACTED)[-20:]


@pytest.mark.parametrize("size", [HEAD_CHARS - 1, HEAD_CHARS, HEAD_CHARS + 1, len(LONG)])
def test_of_a_long_secret_not_even_the_beginning_shows(size: int) -> None:
    secret = LONG[:size]
    redactor = Redactor.of([Secret(secret)])
    for said in (secret, secret[: max(HEAD_CHARS, size // 2)] + "..."):
        for repeated in (said.encode(), base64.b64encode(said.encode())):
            redacted = redactor.words(b"NO " + repeated + b" x")
            assert redacted.startswith(f"NO {REDACTED}") or size < HEAD_CHARS
            assert said[:20] not in redacted
            assert repeated.decode()[-8:-2] not in redacted
            assert redactor(f"NO {repeated.decode()} x").startswith("NO")


def test_the_secret_is_not_kept() -> None:
    redactor = Redactor.of([Secret(CANARY)])
    kept = [getattr(redactor, name) for name in Redactor.__slots__]
    assert not any(form and form in repr(kept) for form in forms(CANARY))
    assert repr(redactor) == "Redactor()"  # not even how long it is


def test_the_same_secret_has_other_digests_in_each_session() -> None:
    assert Redactor.of([Secret(CANARY)]) != Redactor.of([Secret(CANARY)])


@pytest.mark.parametrize("known", [[CANARY], [CANARY, "ab" * 16], [LONG, LONG[::-1]]])
def test_it_is_small(known: list[str]) -> None:
    redactor = Redactor.of(map(Secret, known))
    assert sum(sys.getsizeof(getattr(redactor, name)) for name in Redactor.__slots__) < 600
