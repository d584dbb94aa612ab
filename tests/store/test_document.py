"""An account as a table, and back: nothing is lost, nothing else is taken."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securemail import (
    Account,
    OAuthToken,
    Password,
    Policy,
    Proxy,
    ProxyKind,
    Secret,
    TLSVersion,
    UsageError,
)
from securemail.minimum import RFC_MINIMUM
from securemail.store import Entry, Login, LoginKind
from securemail.store.document import entry_in, entry_table
from securemail.store.entry import Secrets, secrets_of
from securemail.store.policies import policy_in, policy_table
from tests.store.accounts import CANARY, PLAIN, TOLL, full_account, given_up, plain, with_token

# What is kept elsewhere or made anew; all other fields are in the table under their names.
BESIDE = {"_", "credentials", "client_certificate", "is_existing"}
MINIMAL: dict[str, Any] = {
    "address": "alice@example.org",
    "imap": {"host": "mail.example.org", "port": 993, "tls": "implicit"},
}


def back(account: Account) -> Entry:
    """Return what is left of `account` once it was text."""
    return entry_in(json.loads(json.dumps(entry_table(Entry.of(account)))), "account")


def test_everything_that_is_no_secret_survives() -> None:
    account = full_account()
    entry = back(account)
    assert plain(entry.account) == plain(account)
    assert entry.login == Login(
        kind=LoginKind.PASSWORD, username="alice", mechanisms=("PLAIN", "SCRAM-SHA-256")
    )
    assert entry == Entry.of(account)
    assert entry.with_secrets(secrets_of(account)) == account


def test_a_proxy_is_kept_and_its_password_is_not() -> None:
    entry = back(full_account())
    assert entry.account.proxy == Proxy(ProxyKind.HTTP_CONNECT, "192.0.2.9", 3128)
    assert entry.proxy_username == "ali"
    assert TOLL not in repr(entry_table(entry))
    assert Entry.of(full_account()).account.proxy == entry.account.proxy


def test_a_proxy_that_asks_for_nothing_is_whole_without_a_secret() -> None:
    proxied = replace(PLAIN, proxy=Proxy(ProxyKind.SOCKS5, "proxy.example.net", 9050))
    assert back(proxied).with_secrets(secrets_of(proxied)) == proxied


def test_an_account_whose_proxy_wants_a_password_is_not_given_out_without_it() -> None:
    account = full_account()
    lacking = replace(secrets_of(account), proxy_password=None)
    with pytest.raises(UsageError) as caught:
        Entry.of(account).with_secrets(lacking)
    assert caught.value.field == "proxy"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"kind": "socks4"}, "account.proxy.kind"),
        ({"host": "a b"}, "account.proxy"),
        ({"port": 0}, "account.proxy"),
        ({"port": "9050"}, "account.proxy.port"),
        ({"username": "x\n"}, "account.proxy"),
        ({"username": "x" * 256}, "account.proxy"),
        ({"password": "y"}, "account.proxy"),
        ({"port": None}, "account.proxy.port"),
    ],
)
def test_what_is_no_proxy_is_refused_with_its_place(changes: dict[str, Any], place: str) -> None:
    proxy = {"kind": "socks5", "host": "proxy.example.net", "port": 9050, "username": "ali"}
    assert entry_in({**MINIMAL, "proxy": proxy}, "account").proxy_username == "ali"
    with pytest.raises(UsageError) as caught:
        entry_in({**MINIMAL, "proxy": {**proxy, **changes}}, "account")
    assert caught.value.field == place


def test_every_field_of_an_account_is_kept() -> None:
    written = entry_table(Entry.of(full_account()))
    wanted = {each.name for each in fields(Account)} - BESIDE
    assert written.keys() == wanted | {"login", "client_certificate"}
    default = Account("alice@example.org")
    same = {name for name in wanted if getattr(full_account(), name) == getattr(default, name)}
    assert same == {"address"}


def policies() -> Iterator[Policy]:
    """Return each choice that each field of a policy has."""
    for each in fields(Policy):
        if not each.init:
            continue
        default = getattr(RFC_MINIMUM, each.name)
        choices: Iterable[Any] = type(default) if isinstance(default, Enum) else (True, False)
        yield from (replace(RFC_MINIMUM, **{each.name: choice}) for choice in choices)


@pytest.mark.parametrize("policy", list(policies()), ids=repr)
def test_every_field_of_a_policy_is_kept(policy: Policy) -> None:
    data = json.loads(json.dumps(policy_table(policy)))
    assert policy_in(data, "policy") == policy


def test_the_words_that_gave_up_the_minimum_are_kept_and_nobody_is_warned_again() -> None:
    policy = given_up("I know that nothing is private")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = policy_in(policy_table(policy), "policy")
    assert loaded == policy
    assert not loaded.has_minimum
    assert loaded.acknowledged == "I know that nothing is private"


def test_the_words_of_a_file_stay_what_they_are() -> None:
    account = replace(PLAIN, policy=Policy(minimum_tls=TLSVersion.TLS_1_3, require_dane=True))
    assert entry_table(Entry.of(account)) == {
        "address": "alice@example.org",
        "imap": {
            "host": "mail.example.org",
            "port": 993,
            "tls": "implicit",
            "addresses": ["192.0.2.1", "2001:db8::1"],
            "srv_domain": "example.org",
        },
        "login": {"kind": "password", "username": "alice"},
        "policy": {"minimum_tls": "tls_1_3", "require_dane": True},
    }


@pytest.mark.parametrize("account", [PLAIN, with_token(), full_account()], ids=["p", "t", "c"])
def test_no_secret_is_in_the_table(account: Account) -> None:
    entry = Entry.of(account)
    shown = repr(entry) + json.dumps(entry_table(entry), ensure_ascii=False)
    assert CANARY not in shown
    assert "PRIVATE" not in shown


def test_an_account_is_whole_again_with_its_secrets_only() -> None:
    for account in (PLAIN, full_account()):
        with pytest.raises(UsageError):
            Entry.of(account).with_secrets(Secrets())
    with pytest.raises(UsageError) as caught:
        Entry.of(with_token()).with_secrets(Secrets())
    assert caught.value.field == "fetch"
    token = with_token().credentials
    assert isinstance(token, OAuthToken)
    assert Entry.of(with_token()).with_secrets(Secrets(), token.fetch) == with_token_of(token)
    unlocked = Entry.of(PLAIN).with_secrets(Secrets(password=Secret("other")))
    assert unlocked.credentials == Password("alice", "other")


def with_token_of(token: OAuthToken) -> Account:
    return replace(with_token(), credentials=token)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"adress": "x"}, "account"),
        ({"address": 7}, "account.address"),
        ({"address": "nobody"}, "account"),
        ({"address": "a@b.example" + "x" * 5000}, "account.address"),
        ({"address": "a\ud800@example.org"}, "account.address"),
        ({"imap": []}, "account.imap"),
        ({"imap": {"host": "h.example", "port": 993}}, "account.imap.tls"),
        ({"imap": MINIMAL["imap"] | {"port": True}}, "account.imap.port"),
        ({"imap": MINIMAL["imap"] | {"port": 993.0}}, "account.imap.port"),
        ({"imap": MINIMAL["imap"] | {"port": 0}}, "account.imap"),
        ({"imap": MINIMAL["imap"] | {"tls": "IMPLICIT"}}, "account.imap.tls"),
        ({"imap": MINIMAL["imap"] | {"tls": "none"}}, "account"),
        ({"imap": MINIMAL["imap"] | {"addresses": ["::1"] * 65}}, "account.imap.addresses"),
        ({"imap": MINIMAL["imap"] | {"addresses": ["::1", 1]}}, "account.imap.addresses[1]"),
        ({"imap": MINIMAL["imap"] | {"password": "x"}}, "account.imap"),
        ({"login": {"kind": "password"}}, "account.login.username"),
        ({"login": {"kind": "magic", "username": "x"}}, "account.login.kind"),
        ({"login": {"kind": "password", "username": "x", "password": "y"}}, "account.login"),
        ({"policy": {"require_dane": "yes"}}, "account.policy.require_dane"),
        ({"policy": {"minimum_tls": "tls_1_0"}}, "account.policy.minimum_tls"),
        ({"policy": {"require_magic": True}}, "account.policy"),
        ({"policy": {"acknowledged": " "}}, "account.policy.acknowledged"),
        (
            {"policy": {"acknowledged": "x", "require_dane": True}},
            "account.policy.acknowledged",
        ),
        ({"trust": {"pem": "no certificate"}}, "account.trust"),
        ({"client_certificate": "no certificate"}, "account"),
        ({"client_certificate": "é"}, "account"),
        ({"trust": {}}, "account.trust.pem"),
        ({"pins": [{}]}, "account.pins[0]"),
        ({"pins": [{"magic": 1}]}, "account.pins[0]"),
        ({"prefer_external": 1}, "account.prefer_external"),
        ({"ehlo_name": "a b"}, "account"),
        ({"authorization_identity": "a\0"}, "account"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_not_as_it_is_written_is_refused_with_its_place(
    change: dict[str, Any], place: str
) -> None:
    with pytest.raises(UsageError) as caught:
        entry_in(MINIMAL | change, "account")
    assert caught.value.field == place
    assert len(str(caught.value)) < 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("aé@.\0\ud800", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(MINIMAL)), inner)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from([*(each.name for each in fields(Account)), "login", "x"])


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_any_table_is_an_account_or_a_usage_error(data: dict[str, Any]) -> None:
    try:
        entry = entry_in(data, "account")
    except UsageError:
        return
    assert entry_in(entry_table(entry), "account") == entry
