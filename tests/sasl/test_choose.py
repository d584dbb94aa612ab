"""Which ways to log in are tried, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import Account, ClientCertificate, OAuthToken, Password, ProtocolError
from securemail.sasl.choose import LoginCommand, Offer, choose
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
    return [way.name for way in choose(account, offer).ways]


def ruled_out(account: Account, offer: Offer) -> dict[str, str]:
    return {attempt.mechanism: attempt.answer for attempt in choose(account, offer).ruled_out}


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


def test_a_token_is_not_tried_as_long_as_no_mechanism_takes_it() -> None:
    async def fetch() -> str:
        raise AssertionError("nobody needs it")

    account = Account("alice@example.org", credentials=OAuthToken("alice", fetch))
    assert names(account) == []
    assert "OAUTHBEARER" in ruled_out(account, OFFER)


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
    (way,) = choose(account, OFFER).ways
    assert isinstance(way, External)
    assert way.start().reveal() == b"boss"


@pytest.mark.parametrize("mechanism", [Plain("alice", PASSWORD.password), External()])
def test_a_challenge_after_all_was_said_has_no_answer(mechanism: Plain | External) -> None:
    with pytest.raises(ProtocolError):
        mechanism.respond(b"and now?")


def test_a_way_does_not_show_the_password() -> None:
    assert "secret" not in repr(Plain("alice", PASSWORD.password))
    assert "secret" not in repr(LoginCommand("alice", PASSWORD.password))
