"""Which names an issuer may speak for."""

from __future__ import annotations

import pytest
from cryptography import x509

from securemail import CertificateReason, Identity, IdentityKind
from securemail.tls.constraints import may_certify
from securemail.tls.verdict import Rules, decide
from tests.tls.chains import LEAF, MIDDLE, ROOT, Cert, constrained, make, srv
from tests.tls.memory import HOST
from tests.tls.named_chains import dns, unknown

ROOT_ALONE = make(ROOT).certificates[0]
SERVICE = "_imaps.example.org"


def issuer(permitted: str | None = None, excluded: str | None = None) -> x509.Certificate:
    names = {
        "permitted": None if permitted is None else dns(permitted),
        "excluded": None if excluded is None else dns(excluded),
    }
    return make(constrained(MIDDLE, **names), ROOT).certificates[0]


def identity(name: str) -> Identity:
    return Identity(IdentityKind.SRV_ID if name[0] == "_" else IdentityKind.DNS_ID, name)


@pytest.mark.parametrize("name", [HOST, "_imaps." + HOST])
@pytest.mark.parametrize(
    ("limits", "may"),
    [
        ({"permitted": "example.org"}, True),
        ({"permitted": "EXAMPLE.org"}, True),
        ({"permitted": ".example.org"}, True),
        ({"permitted": HOST}, True),
        ({"permitted": ""}, True),
        ({"permitted": "ample.org"}, False),
        ({"permitted": "imap." + HOST}, False),
        ({"excluded": "example.org"}, False),
        ({"excluded": "Mail.Example.org"}, False),
        ({"excluded": ""}, False),
        ({"excluded": "ail.example.org"}, True),
        ({"excluded": "imap." + HOST}, True),
        ({"permitted": "org", "excluded": "example.org"}, False),
        ({"permitted": "com", "excluded": "example.com"}, False),
    ],
)
def test_an_issuer_may_speak_for_a_name_or_it_may_not(
    limits: dict[str, str], may: bool, name: str
) -> None:
    assert may_certify([issuer(**limits)], identity(name)) == may
    # One that may not is enough, wherever it stands.
    assert may_certify([ROOT_ALONE, issuer(**limits), ROOT_ALONE], identity(name)) == may


def test_who_is_not_limited_may_speak_for_all() -> None:
    assert may_certify([], identity(HOST))
    assert may_certify([ROOT_ALONE], identity(HOST))


def test_limits_on_other_kinds_of_names_are_not_about_hosts() -> None:
    addresses = constrained(MIDDLE, excluded=(x509.RFC822Name("example.org"),))
    assert may_certify(make(addresses, ROOT).certificates, identity(HOST))


def test_limits_that_cannot_be_read_are_an_error_and_no_permission() -> None:
    odd = Cert(subject="odd", is_ca=True, more=((unknown("2.5.29.30"), True),))
    with pytest.raises(ValueError, match="parsing"):
        may_certify(make(odd, ROOT).certificates, identity(HOST))


def test_a_name_that_an_issuer_may_not_certify_does_not_spoil_one_that_it_may() -> None:
    leaf = Cert(names=(srv(SERVICE), *dns("mail.provider.example")))
    provider = constrained(MIDDLE, permitted=dns("provider.example"))
    chain = make(leaf, provider, ROOT).certificates
    rules = Rules(
        host="mail.provider.example", is_address=False, must_validate=True, srv_id=SERVICE
    )
    assert decide(rules, chain, []).identity == identity("mail.provider.example")


def test_an_issuer_for_some_hosts_is_none_for_the_services_of_others() -> None:
    leaf = Cert(names=(*dns("a.example.com"), srv(SERVICE)))
    chain = make(leaf, constrained(MIDDLE, permitted=dns("example.com")), ROOT).certificates
    rules = Rules(host=HOST, is_address=False, must_validate=True, srv_id=SERVICE)
    verdict = decide(rules, chain, [])
    assert verdict.failure is not None
    assert verdict.failure.reason is CertificateReason.NAME_CONSTRAINTS
    assert decide(rules, make(leaf, MIDDLE, LEAF).certificates, []).failure is None
