"""Values are refused when they are made, by the name of the field."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from securemail import (
    Account,
    ClientCertificate,
    Endpoint,
    OAuthToken,
    Password,
    Secret,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
    UsageError,
)
from securemail.secret import SecretBytes
from securemail.testing import CertificateAuthority
from tests.values import no_minimum

CLEAR = Endpoint("mail.example.org", 143, TLSMode.NONE)


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.mark.parametrize("host", ["", " ", ".", "a..b", "a" * 64 + ".org", "a b.org", "ho\0st"])
def test_an_impossible_host_is_refused(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint(host, 993, TLSMode.IMPLICIT)
    assert caught.value.field == "Endpoint.host"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "a.1", "::1%\r\nX", "1.2.3.4.5"])
def test_a_host_that_somebody_could_read_as_another_address_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        Endpoint(host, 993, TLSMode.IMPLICIT)


@pytest.mark.parametrize("port", [0, -1, 65536, 70000, True, "993", 99.3, None])
def test_an_impossible_port_is_refused(port: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint("mail.example.org", port, TLSMode.IMPLICIT)
    assert caught.value.field == "Endpoint.port"


@pytest.mark.parametrize("tls", ["STARTTLS", None, True])
def test_a_tls_mode_that_is_none_of_ours_is_refused(tls: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint("mail.example.org", 993, tls)
    assert caught.value.field == "Endpoint.tls"


@pytest.mark.parametrize("address", ["mail.example.org", "1.2.3", ""])
def test_an_address_that_is_a_name_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint("mail.example.org", 993, TLSMode.IMPLICIT, addresses=[address])
    assert caught.value.field == "Endpoint.addresses"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Mail.Example.ORG", "mail.example.org"),
        ("mail.example.org.", "mail.example.org"),
        ("mail.example.org\N{IDEOGRAPHIC FULL STOP}", "mail.example.org"),
        ("müller.example", "xn--mller-kva.example"),
        ("[::1]", "::1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_host_is_kept_in_the_form_that_is_compared(given: str, kept: str) -> None:
    assert Endpoint(given, 993, TLSMode.IMPLICIT).host == kept


@pytest.mark.parametrize("address", ["", "alice", "@example.org", "alice@", "a\nb@example.org"])
def test_an_address_without_its_two_parts_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        Account(address)
    assert caught.value.field == "Account.address"


@pytest.mark.parametrize("service", ["imap", "pop3", "submission"])
def test_an_account_with_a_minimum_cannot_have_an_endpoint_without_tls(service: str) -> None:
    with pytest.raises(UsageError) as caught:
        Account("alice@example.org", **{service: CLEAR})  # type: ignore[arg-type]  # a name of a field
    assert caught.value.field == f"Account.{service}.tls"


def test_an_account_without_a_minimum_may_have_an_endpoint_without_tls() -> None:
    account = Account("alice@example.org", imap=CLEAR, policy=no_minimum())
    assert account.endpoint(Service.IMAP) == CLEAR


def test_credentials_of_another_kind_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        Account("alice@example.org", credentials=("alice", "secret"))  # type: ignore[arg-type]  # the point
    assert caught.value.field == "Account.credentials"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy", None),
        ("policy", "none"),
        ("trust", None),
        ("client_certificate", b"pem"),
        ("authorization_identity", None),
        ("authorization_identity", "x\0admin"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Account("alice@example.org", **{field: value})
    assert caught.value.field == f"Account.{field}"


@pytest.mark.parametrize("mechanisms", ["PLAIN", [1], [""], [None]])
def test_mechanisms_are_a_list_of_names(mechanisms: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Password("alice", "secret", mechanisms=mechanisms)
    assert caught.value.field == "Password.mechanisms"


def test_a_password_that_was_decoded_wrongly_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        Password("alice", "canary\udcff")
    assert caught.value.field == "Password.password"
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert "canary" not in str(caught.value)


def test_a_token_needs_a_function_that_fetches_it() -> None:
    with pytest.raises(UsageError):
        OAuthToken("alice", "token")  # type: ignore[arg-type]  # the point


def test_pem_given_as_text_is_not_repeated_as_a_file_name(ca: CertificateAuthority) -> None:
    with pytest.raises(UsageError, match="as bytes") as caught:
        ClientCertificate.from_pem(ca.client_pem("alice").decode())
    assert "PRIVATE" not in str(caught.value)
    with pytest.raises(UsageError):
        ClientCertificate.from_pem("a\0b")


def test_a_weak_key_is_refused(ca: CertificateAuthority) -> None:
    mine = ClientCertificate.from_pem(ca.client_pem("alice"))
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(UsageError, match="1024 bits"):
        ClientCertificate(mine.certificate, weak)


@pytest.mark.parametrize("bad", ["", "a\0b", "a\rb", "a\nb"])
def test_names_and_passwords_cannot_end_a_command_line(bad: str) -> None:
    with pytest.raises(UsageError, match="username"):
        Password(bad, "secret")
    with pytest.raises(UsageError, match="password"):
        Password("alice", bad)

    async def fetch() -> str:
        return "token"

    with pytest.raises(UsageError, match="username"):
        OAuthToken(bad, fetch)


@pytest.mark.parametrize("seconds", [0, True, -1, float("inf"), float("nan"), "5"])
def test_a_time_limit_is_a_positive_number(seconds: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Timeouts(tls=seconds)
    assert caught.value.field == "Timeouts.tls"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>20}".format])
def test_a_secret_does_not_show(show: Any) -> None:
    assert "canary" not in show(Secret("canary"))
    assert "canary" not in show(SecretBytes(b"canary"))
    assert "canary" not in show(Password("alice", "canary"))
    assert "canary" not in show(
        Account("alice@example.org", credentials=Password("alice", "canary"))
    )


@pytest.mark.parametrize("secret", [Secret("canary"), SecretBytes(b"canary")])
def test_a_secret_is_not_pickled(secret: Any) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)


def test_a_certificate_with_its_key_is_read_from_one_pem(ca: CertificateAuthority) -> None:
    mine = ClientCertificate.from_pem(ca.client_pem("alice"))
    assert "alice" in mine.subject
    assert "PRIVATE" not in repr(mine)


def test_a_certificate_is_read_from_a_file(ca: CertificateAuthority, tmp_path: Path) -> None:
    path = tmp_path / "alice.pem"
    path.write_bytes(ca.client_pem("alice"))
    assert ClientCertificate.from_pem(path) == ClientCertificate.from_pem(path.read_bytes())


def test_a_key_of_another_certificate_is_refused(ca: CertificateAuthority) -> None:
    with pytest.raises(UsageError) as caught:
        ClientCertificate.from_pem(ca.client_pem("alice"), key=ca.client_pem("bob"))
    assert caught.value.field == "ClientCertificate.key"


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_a_pem_without_a_certificate_is_refused(pem: bytes) -> None:
    with pytest.raises(UsageError):
        ClientCertificate.from_pem(pem)
    with pytest.raises(UsageError):
        TrustStore.from_pem(pem)


def test_a_certificate_without_a_key_is_refused(ca: CertificateAuthority) -> None:
    with pytest.raises(UsageError) as caught:
        ClientCertificate.from_pem(ca.pem)
    assert caught.value.field == "ClientCertificate.key"


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UsageError, match=r"missing\.pem"):
        ClientCertificate.from_pem(Path("missing.pem"))
    with pytest.raises(UsageError, match=r"missing\.pem"):
        TrustStore.from_file("missing.pem")


def test_a_pkcs12_file_is_opened_with_its_password(ca: CertificateAuthority) -> None:
    mine = ClientCertificate.from_pem(ca.client_pem("alice"))
    data = pkcs12.serialize_key_and_certificates(
        b"alice", mine.key, mine.certificate, mine.chain, BestAvailableEncryption(b"canary")
    )
    assert ClientCertificate.from_pkcs12(data, "canary").certificate == mine.certificate
    with pytest.raises(UsageError) as caught:
        ClientCertificate.from_pkcs12(data, "wrong canary")
    assert "canary" not in str(caught.value)


def test_two_trust_stores_of_the_same_authorities_are_equal(
    ca: CertificateAuthority, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(ca.pem)
    assert TrustStore.from_file(path) == TrustStore.from_pem(ca.pem)
    assert TrustStore.from_pem(ca.pem) != TrustStore.system()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", ""),
        ("Laptop.Example.ORG", "laptop.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("192.0.2.1", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
    ],
)
def test_an_ehlo_name_is_a_domain_or_an_address_literal(name: str, said: str) -> None:
    assert Account("alice@example.org", ehlo_name=name).ehlo_name == said


@pytest.mark.parametrize("name", ["a b", "a\r\nMAIL FROM:<>", "[nonsense]", " ", "a" * 300])
def test_an_ehlo_name_that_would_be_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Account("alice@example.org", ehlo_name=name)
    assert caught.value.field == "Account.ehlo_name"
