"""Which ways to log in are tried, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import Account, ClientCertificate, OAuthToken, Password, Policy, ProtocolError
from securemail.proof import ChannelBinding
from securemail.sasl import LoginCommand, Offer, Scram, choose
from securemail.sasl.external import External
from securemail.sasl.plain import Plain
from securemail.testing import CertificateAuthority

OFFER = Offer(
    mechanisms=frozenset({"PLAIN", "EXTERNAL"}),
    has_login_command=True,
    is_encrypted=True,
    client_certificate_sent=True,
)
PASSWORD = Password("alice", "secret")


@pytest.fixture(scope="module")
def certificate() -> ClientCertificate:
    return ClientCertificate.from_pem(CertificateAuthority().client_pem("alice"))


def names(account: Account, offer: Offer = OFFER) -> list[str]:
    return [way.name for way in choose(account, offer, new_nonce=lambda: "nonce").ways]


def ruled_out(account: Account, offer: Offer) -> dict[str, str]:
    return {
        attempt.mechanism: attempt.answer
        for attempt in choose(account, offer, new_nonce=lambda: "nonce").ruled_out
    }


def test_a_password_goes_by_plain_where_it_is_offered() -> None:
    assert names(Account("alice@example.org", credentials=PASSWORD)) == ["PLAIN"]


def test_the_login_command_is_used_when_no_mechanism_of_ours_is_offered() -> None:
    offer = replace(OFFER, mechanisms=frozenset({"GSSAPI"}))
    assert names(Account("alice@example.org", credentials=PASSWORD), offer) == ["LOGIN command"]


def test_the_login_command_is_not_used_when_it_is_disabled() -> None:
    offer = replace(OFFER, mechanisms=frozenset(), has_login_command=False)
    account = Account("alice@example.org", credentials=PASSWORD)
    assert names(account, offer) == []
    assert ruled_out(account, offer) == {
        "PLAIN": "not offered by the server",
        "LOGIN command": "disabled by the server",
    }


def test_without_tls_a_password_is_not_shown_even_without_a_minimum() -> None:
    account = Account("alice@example.org", credentials=PASSWORD)
    assert names(account, replace(OFFER, is_encrypted=False)) == []
    unoffered = replace(OFFER, is_encrypted=False, mechanisms=frozenset())
    assert names(account, unoffered) == []


def test_without_tls_a_mechanism_that_the_account_names_runs() -> None:
    offer = replace(OFFER, is_encrypted=False)
    named = Password("alice", "secret", mechanisms=["plain"])
    assert names(Account("alice@example.org", credentials=named), offer) == ["PLAIN"]


def test_a_mechanism_that_the_account_does_not_name_is_left_out() -> None:
    named = Password("alice", "secret", mechanisms=["SCRAM-SHA-256"])
    assert names(Account("alice@example.org", credentials=named)) == []


def test_external_is_the_fallback(certificate: ClientCertificate) -> None:
    both = Account("alice@example.org", credentials=PASSWORD, client_certificate=certificate)
    assert names(both) == ["PLAIN", "EXTERNAL"]
    assert names(replace(both, prefer_external=True)) == ["EXTERNAL", "PLAIN"]
    assert names(replace(both, credentials=None)) == ["EXTERNAL"]


def test_external_needs_a_certificate_that_the_server_has_seen(
    certificate: ClientCertificate,
) -> None:
    account = Account("alice@example.org", client_certificate=certificate)
    unseen = replace(OFFER, client_certificate_sent=False)
    assert names(account, unseen) == []
    assert "did not ask" in ruled_out(account, unseen)["EXTERNAL"]
    unoffered = replace(OFFER, mechanisms=frozenset({"PLAIN"}))
    assert ruled_out(account, unoffered) == {"EXTERNAL": "not offered by the server"}


def test_external_is_not_tried_for_an_account_without_a_certificate() -> None:
    assert "EXTERNAL" not in names(Account("alice@example.org", credentials=PASSWORD))


async def fetch() -> str:
    raise AssertionError("nobody needs it yet")


TOKEN = Account("alice@example.org", credentials=OAuthToken("alice", fetch))
MINE = Account("alice@example.org", credentials=PASSWORD)
BINDING = ChannelBinding("tls-exporter", b"x" * 32)
ALL = frozenset(
    {
        *(f"SCRAM-SHA-{size}{plus}" for size in (1, 256, 512) for plus in ("", "-PLUS")),
        *("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "GSSAPI"),
    }
)
BOUND = replace(OFFER, mechanisms=ALL, binding=BINDING)
STRONGEST_FIRST = [
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "PLAIN",
]


def test_a_password_goes_the_strongest_way_first() -> None:
    assert names(MINE, BOUND) == STRONGEST_FIRST


def test_what_cannot_be_bound_is_not_run_with_plus() -> None:
    unbound = replace(BOUND, binding=None)
    assert names(MINE, unbound) == STRONGEST_FIRST[3:]
    assert "nothing to bind" in ruled_out(MINE, unbound)["SCRAM-SHA-256-PLUS"]


def flags(account: Account, offer: Offer) -> set[bytes]:
    """Return the flags of the mechanisms that do not bind."""
    ways = choose(account, offer, new_nonce=lambda: "nonce").ways
    return {
        way.start().reveal()[:1]
        for way in ways
        if isinstance(way, Scram) and not way.name.endswith("-PLUS")
    }


def test_the_y_flag_is_for_those_who_could_bind_and_saw_no_offer() -> None:
    no_plus = frozenset(name for name in ALL if not name.endswith("-PLUS"))
    assert flags(MINE, replace(BOUND, mechanisms=no_plus)) == {b"y"}
    assert flags(MINE, replace(BOUND, mechanisms=no_plus, binding=None)) == {b"n"}
    assert flags(MINE, BOUND) == {b"n"}


def test_an_offer_of_plus_that_is_none_of_ours_does_not_keep_the_y_flag_away() -> None:
    mechanisms = frozenset({"SCRAM-SHA-256", "SCRAM-FOO-PLUS"})
    assert flags(MINE, replace(BOUND, mechanisms=mechanisms)) == {b"y"}


def test_each_exchange_has_a_nonce_of_its_own() -> None:
    nonces = iter(f"nonce{number}" for number in range(9))
    ways = choose(MINE, BOUND, new_nonce=lambda: next(nonces)).ways
    used = [way.nonce for way in ways if isinstance(way, Scram)]
    assert len(set(used)) == 6


def test_login_is_for_servers_that_have_nothing_better() -> None:
    assert names(MINE, replace(OFFER, mechanisms=frozenset({"LOGIN"}))) == ["LOGIN"]
    assert names(MINE, replace(OFFER, mechanisms=frozenset({"LOGIN", "PLAIN"}))) == ["PLAIN"]


def test_cram_md5_is_for_accounts_that_name_it() -> None:
    offer = replace(OFFER, mechanisms=frozenset({"CRAM-MD5"}), has_login_command=False)
    assert names(MINE, offer) == []
    assert "name it" in ruled_out(MINE, offer)["CRAM-MD5"]
    named = replace(MINE, credentials=Password("alice", "secret", mechanisms=["CRAM-MD5"]))
    assert names(named, offer) == ["CRAM-MD5"]


def test_an_account_can_name_what_it_uses() -> None:
    named = Password("alice", "secret", mechanisms=["scram-sha-256", "plain"])
    assert names(replace(MINE, credentials=named), BOUND) == ["SCRAM-SHA-256", "PLAIN"]


def test_a_mechanism_that_was_named_and_is_not_offered_is_on_the_list() -> None:
    named = replace(MINE, credentials=Password("alice", "secret", mechanisms=["SCRAM-SHA-256"]))
    assert ruled_out(named, OFFER) == {"SCRAM-SHA-256": "not offered by the server"}


def test_a_name_that_nobody_knows_is_on_the_list() -> None:
    named = replace(MINE, credentials=Password("alice", "secret", mechanisms=["SCRAM-SHA-266"]))
    assert names(named) == []
    assert "not known" in ruled_out(named, OFFER)["SCRAM-SHA-266"]


def test_without_tls_what_shows_no_secret_may_run() -> None:
    clear = replace(BOUND, is_encrypted=False, binding=None)
    assert names(MINE, clear) == ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"]
    named = replace(MINE, credentials=Password("alice", "secret", mechanisms=["CRAM-MD5"]))
    assert names(named, clear) == ["CRAM-MD5"]


def test_without_tls_a_token_is_not_shown() -> None:
    assert names(TOKEN, replace(BOUND, is_encrypted=False)) == []


def test_a_token_goes_by_oauthbearer_and_by_xoauth2_only_without_it() -> None:
    assert names(TOKEN, BOUND) == ["OAUTHBEARER"]
    old = replace(BOUND, mechanisms=frozenset({"XOAUTH2", "PLAIN"}))
    assert names(TOKEN, old) == ["XOAUTH2"]
    assert ruled_out(TOKEN, OFFER) == {"OAUTHBEARER": "not offered by the server"}


def test_a_policy_can_require_a_channel_binding(certificate: ClientCertificate) -> None:
    policy = Policy(require_channel_binding=True)
    assert names(replace(MINE, policy=policy), BOUND) == STRONGEST_FIRST[:3]
    assert names(replace(TOKEN, policy=policy), BOUND) == []
    plain_only = replace(BOUND, mechanisms=frozenset({"PLAIN"}))
    assert names(replace(MINE, policy=policy), plain_only) == []
    assert names(replace(MINE, policy=policy), replace(OFFER, mechanisms=frozenset())) == []
    certified = replace(MINE, policy=policy, client_certificate=certificate)
    assert names(certified, BOUND)[-1] == "EXTERNAL"


def test_plain_says_identity_name_and_password() -> None:
    assert Plain("alice", PASSWORD.password).start().reveal() == b"\0alice\0secret"
    assert Plain("älice", PASSWORD.password, "boss").start().reveal() == (
        "boss\0älice\0secret".encode()
    )


def test_external_says_nothing_unless_the_account_names_an_identity(
    certificate: ClientCertificate,
) -> None:
    assert External().start().reveal() == b""
    account = Account(
        "alice@example.org", client_certificate=certificate, authorization_identity="boss"
    )
    (way,) = choose(account, OFFER, new_nonce=lambda: "nonce").ways
    assert isinstance(way, External)
    assert way.start().reveal() == b"boss"


@pytest.mark.parametrize("mechanism", [Plain("alice", PASSWORD.password), External()])
def test_a_challenge_after_all_was_said_has_no_answer(mechanism: Plain | External) -> None:
    with pytest.raises(ProtocolError):
        mechanism.respond(b"and now?")


def test_a_way_does_not_show_the_password() -> None:
    assert "secret" not in repr(Plain("alice", PASSWORD.password))
    assert "secret" not in repr(LoginCommand("alice", PASSWORD.password))


STAMPED = replace(OFFER, timestamp=b"<1@mail.example.org>")


def test_apop_is_for_who_names_it_and_where_there_is_a_timestamp() -> None:
    unnamed = Account("alice@example.org", credentials=PASSWORD)
    named = replace(unnamed, credentials=Password("alice", "secret", mechanisms=["APOP", "PLAIN"]))
    assert names(unnamed, STAMPED) == ["PLAIN"]
    assert names(named, STAMPED) == ["APOP", "PLAIN"]
    assert names(named) == ["PLAIN"]
    # A server does not make it one by listing it as a mechanism.
    assert names(named, replace(OFFER, mechanisms=frozenset({"PLAIN", "APOP"}))) == ["PLAIN"]
    bound = replace(named, policy=Policy(require_channel_binding=True))
    assert names(bound, STAMPED) == []


def test_apop_is_not_for_names_that_it_cannot_carry() -> None:
    spaced = Password("alice in", "secret", mechanisms=["APOP"])
    account = Account("alice@example.org", credentials=spaced)
    assert "space" in ruled_out(account, STAMPED)["APOP"]
    wide = Password("alice", "s\N{LATIN SMALL LETTER E WITH ACUTE}cret", mechanisms=["APOP"])
    account = Account("alice@example.org", credentials=wide)
    assert names(account, STAMPED) == ["APOP"]
    narrow = replace(STAMPED, login_command_takes_utf8=False)
    assert "ASCII" in ruled_out(account, narrow)["APOP"]
