"""Accounts as JSON and TOML: what was written is read, and nothing else."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import (
    Account,
    ConfidentialityWarning,
    Endpoint,
    Policy,
    Proxy,
    ProxyKind,
    Revocation,
    TLSMode,
    UsageError,
    limits,
)
from securemail.store import Entry, Format
from securemail.store.exchange import read, write
from tests.store.accounts import CANARY, PLAIN, full_account, given_up, json_of, with_token

IMPLICIT = TLSMode.IMPLICIT
BARE = replace(PLAIN, imap=Endpoint("imap.example.org", 993, IMPLICIT))
ENTRIES = tuple(Entry.of(each) for each in (PLAIN, full_account(), with_token()))


@pytest.mark.parametrize("form", Format)
def test_accounts_survive_a_file(form: Format) -> None:
    text = write(ENTRIES, form)
    assert read(text, form, with_pins=True, with_trust=True) == ENTRIES
    assert CANARY not in text
    assert "PRIVATE" not in text


@pytest.mark.parametrize("form", Format)
def test_a_file_without_accounts_is_one(form: Format) -> None:
    assert read(write((), form), form) == ()


@pytest.mark.parametrize("form", Format)
def test_pins_are_taken_over_only_where_that_is_asked_for(form: Format) -> None:
    with pytest.raises(UsageError) as caught:
        read(write(ENTRIES, form), form, with_trust=True)
    assert caught.value.field == "accounts[1].pins"


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    ("account", "field"),
    [
        (replace(BARE, trust=full_account().trust), "trust"),
        (replace(BARE, policy=Policy(revocation=Revocation.OFF)), "policy.revocation"),
        (
            replace(BARE, imap=Endpoint("h.example", 993, IMPLICIT, addresses=["192.0.2.1"])),
            "imap.addresses",
        ),
        (
            replace(BARE, pop3=Endpoint("h.example", 995, IMPLICIT, srv_domain="evil.example")),
            "pop3.srv_domain",
        ),
        (replace(BARE, proxy=Proxy(ProxyKind.SOCKS5, "192.0.2.9", 9050)), "proxy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whom_to_believe_is_taken_over_only_where_that_is_asked_for(
    account: Account, field: str, form: Format
) -> None:
    text = write([Entry.of(BARE), Entry.of(account)], form)
    with pytest.raises(UsageError) as caught:
        read(text, form, with_pins=True)
    assert caught.value.field == "accounts[1]"
    assert f"{field}: whom to believe is taken over only where" in str(caught.value)
    assert read(text, form, with_trust=True)[1] == Entry.of(account)


def test_all_that_would_be_believed_is_named_at_once() -> None:
    account = replace(full_account(), policy=Policy(revocation=Revocation.OFF), pins=frozenset())
    named = r"trust, policy\.revocation, proxy, imap\.addresses: whom"
    with pytest.raises(UsageError, match=named):
        read(write([Entry.of(account)], Format.JSON), Format.JSON)


def test_the_mail_domain_of_the_address_is_nobody_elses() -> None:
    endpoint = Endpoint("h.example", 993, IMPLICIT, srv_domain="EXAMPLE.org.")
    entry = Entry.of(replace(BARE, address="alice@Example.org", imap=endpoint))
    assert read(write([entry], Format.JSON), Format.JSON) == (entry,)


def test_what_a_policy_gave_up_is_in_the_file() -> None:
    entry = Entry.of(replace(PLAIN, policy=given_up("nobody cares")))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConfidentialityWarning)
        (back,) = read(write([entry], Format.TOML), Format.TOML, with_trust=True)
    assert back.account.policy.acknowledged == "nobody cares"


GOOD: dict[str, Any] = {"address": "alice@example.org"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "file"),
        ("[]", "file"),
        ("{}", "file"),
        ("[" * 200_000, "file"),
        ('{"securemail": 1, "securemail": 1, "accounts": []}', "file"),
        ('{"securemail": 1, "accounts": [], "more": 1}', "file"),
        ('{"securemail": 1e400, "accounts": []}', "file"),
        ('{"securemail": NaN, "accounts": []}', "file"),
        ('{"securemail": ' + "1" * 5000 + ', "accounts": []}', "file"),
        ('{"securemail": 2, "accounts": []}', "file.securemail"),
        ('{"securemail": true, "accounts": []}', "file.securemail"),
        ('{"securemail": 1, "accounts": {}}', "file.accounts"),
        (json_of(GOOD, {"address": 1}), "accounts[1].address"),
        (json_of(GOOD, GOOD | {"password": "x"}), "accounts[1]"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_json_that_is_not_as_it_is_written_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text, Format.JSON)
    assert caught.value.field == place
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "text",
    [
        "securemail = ",
        "securemail = 1.5\naccounts = []",
        "securemail = 2020-01-01\naccounts = []",
        "a = " + "[" * 100_000,
        "a." * 100_000 + "a = 1",
        "[" + "a." * 100_000 + "a]",
        '"".' * 100_000 + "a = 1",
        'a = "' + '\\"' * 200_000 + "." * 100,
        'a = """' + '\\"""' * 200_000 + "." * 100 + "\\",
    ],
    ids=lambda value: str(value)[:20],
)
def test_toml_that_is_hostile_is_refused_at_once(text: str) -> None:
    with pytest.raises(UsageError):
        read(text, Format.TOML)


@pytest.mark.parametrize(
    "text",
    [
        ('"\u2028".' + "a." * 30) * 3 + "a = 1",
        'a = {b = """\n""", ' + "c." * 99 + 'c = 1, d = ""}',
        "a = {b = '''\n''', " + "c." * 99 + "c = 1, d = ''}",
        'a = 1 # """\n' + "b." * 99 + "b = 1",
    ],
)
def test_a_key_of_very_many_parts_is_found_wherever_it_hides(text: str) -> None:
    with pytest.raises(UsageError, match="more than 32 dots"):
        read(text, Format.TOML)


def test_a_sentence_with_many_dots_is_no_key_of_many_parts() -> None:
    entry = Entry.of(replace(PLAIN, policy=given_up('well "' + "." * 100)))
    assert read(write([entry], Format.TOML), Format.TOML, with_trust=True) == (entry,)


@pytest.mark.parametrize("quote", ['"', '"""', "'''", "'", "#", "\\", '\\"'])
def test_dots_in_a_text_do_not_count_whatever_quotes_stand_among_them(quote: str) -> None:
    entry = Entry.of(replace(PLAIN, policy=given_up(f"well {quote}" + f". {quote}." * 100)))
    assert read(write([entry], Format.TOML), Format.TOML, with_trust=True) == (entry,)


def test_a_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ACCOUNT_FILE_CHARS", 30)
    with pytest.raises(UsageError, match="at most 30 characters"):
        read(json_of(), Format.JSON)
    with pytest.raises(UsageError, match="could not be read again"):
        write(ENTRIES, Format.JSON)
    monkeypatch.setattr(limits, "ACCOUNT_FILE_CHARS", 1000)
    monkeypatch.setattr(limits, "ACCOUNT_FILE_ACCOUNTS", 2)
    with pytest.raises(UsageError, match="at most 2"):
        read(json_of(GOOD, GOOD, GOOD), Format.JSON)


@given(st.text(), st.sampled_from(Format))
def test_any_text_is_accounts_or_a_usage_error(text: str, form: Format) -> None:
    with pytest.raises(UsageError):
        read(text, form)


@given(st.data())
def test_a_file_with_a_character_changed_is_accounts_or_a_usage_error(data: st.DataObject) -> None:
    text = write(ENTRIES[:1], Format.JSON)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.text(max_size=2)) + text[place + 1 :]
    try:
        entries = read(changed, Format.JSON)
    except UsageError:
        return
    assert len(entries) == len(json.loads(changed)["accounts"])
