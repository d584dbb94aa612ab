"""Names and passwords are prepared, or refused (RFC 4013)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import Account, OAuthToken, Password, UsageError
from securemail.saslprep import ProhibitedError, saslprep

EMOJI = "pass\N{GRINNING FACE}word"


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\N{SOFT HYPHEN}X", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\N{FEMININE ORDINAL INDICATOR}", "a"),
        ("\N{ROMAN NUMERAL NINE}", "IX"),
        ("two\N{NO-BREAK SPACE}words", "two words"),
        ("e\N{COMBINING ACUTE ACCENT}", "é"),
        ("", ""),
    ],
)
def test_the_examples_of_rfc_4013_are_prepared(text: str, prepared: str) -> None:
    assert saslprep(text, allow_unassigned=False) == prepared


PROHIBITED = [
    "\x07",
    "a\0b",
    "tab\tbed",
    "\N{ARABIC LETTER ALEF}1",
    "\N{ARABIC LETTER ALEF}x\N{ARABIC LETTER ALEF}",
    "\ue000",
    "\ufdd0",
    "\ud800",
    "\N{REPLACEMENT CHARACTER}",
    "\N{IDEOGRAPHIC DESCRIPTION CHARACTER LEFT TO RIGHT}",
    "\N{LEFT-TO-RIGHT MARK}",
    "\U000e0041",
]


@pytest.mark.parametrize("text", PROHIBITED, ids=ascii)
def test_what_the_rfc_prohibits_is_refused(text: str) -> None:
    with pytest.raises(ProhibitedError):
        saslprep(text, allow_unassigned=True)


def test_text_from_right_to_left_is_fine_from_end_to_end() -> None:
    text = "\N{ARABIC LETTER ALEF}1\N{ARABIC LETTER BEH}"
    assert saslprep(text, allow_unassigned=False) == text


def test_characters_newer_than_the_rfc_may_be_sent_but_not_stored() -> None:
    assert saslprep(EMOJI, allow_unassigned=True) == EMOJI
    with pytest.raises(ProhibitedError, match="newer"):
        saslprep(EMOJI, allow_unassigned=False)


@given(st.text())
def test_any_text_is_prepared_once_and_for_all_or_refused(text: str) -> None:
    try:
        once = saslprep(text, allow_unassigned=True)
    except ProhibitedError:
        return
    assert saslprep(once, allow_unassigned=True) == once


@pytest.mark.parametrize("text", [*PROHIBITED, "\N{SOFT HYPHEN}"], ids=ascii)
def test_an_account_refuses_it_and_names_the_field(text: str) -> None:
    async def fetch() -> str:
        return "token"

    with pytest.raises(UsageError) as caught:
        Password(text, "secret")
    assert caught.value.field == "Password.username"
    with pytest.raises(UsageError) as caught:
        Password("alice", text)
    assert caught.value.field == "Password.password"
    with pytest.raises(UsageError) as caught:
        OAuthToken(text, fetch)
    assert caught.value.field == "OAuthToken.username"
    with pytest.raises(UsageError) as caught:
        Account("alice@example.org", authorization_identity=text)
    assert caught.value.field == "Account.authorization_identity"


def test_an_account_takes_a_password_with_an_emoji() -> None:
    assert Password("alice", EMOJI).password.reveal() == EMOJI


def test_printable_ascii_is_prepared_as_it_stands_and_by_the_tables_too() -> None:
    for char in map(chr, range(0x20, 0x7F)):
        assert saslprep(char, allow_unassigned=False) == char
        # The second character sends it the way of the tables.
        assert saslprep(f"{char}é", allow_unassigned=False) == f"{char}é"
