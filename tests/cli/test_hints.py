"""What could be better, said to whoever can change it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from securemail import (
    Account,
    Confidentiality,
    Endpoint,
    Level,
    Policy,
    Service,
    ServiceReport,
    TLSMode,
    TLSVersion,
    TrustStore,
)
from securemail.cli.hints import hints_on, hints_on_changes
from securemail.discovery.changes import changes_between
from securemail.discovery.finding import Advertised, Finding
from securemail.discovery.plan import plan_of
from securemail.records import DNSSEC
from securemail.testing import CertificateAuthority

IMPLICIT = Endpoint("mail.example.org", 993, TLSMode.IMPLICIT)
STARTTLS = Endpoint("mail.example.org", 143, TLSMode.STARTTLS)


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    return x509.load_der_x509_certificate(CertificateAuthority().issue("mail.example.org").der)


def report(certificate: x509.Certificate, endpoint: Endpoint = IMPLICIT) -> ServiceReport:
    proof = Confidentiality(
        level=Level.CONFIDENTIAL,
        shortfalls=frozenset(),
        tls_version=TLSVersion.TLS_1_3,
        group="X25519MLKEM768",
        chain=(certificate,),
    )
    return ServiceReport(service=Service.IMAP, endpoint=endpoint, confidentiality=proof)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (15, []),
        (14, []),
        (13, ["The certificate of mail.example.org ends in 13 days: renew it."]),
        (0, ["The certificate of mail.example.org ends in 0 days: renew it."]),
        (-1, []),
    ],
)
def test_a_certificate_that_ends_soon_is_told(
    certificate: x509.Certificate, days: int, words: list[str]
) -> None:
    now = certificate.not_valid_after_utc - timedelta(days=days, minutes=1)
    now += timedelta(minutes=2) if days < 0 else timedelta()
    assert list(hints_on(report(certificate), now)) == words


def test_implicit_tls_that_is_advertised_beside_starttls_is_an_offer_and_no_reproach(
    certificate: x509.Certificate,
) -> None:
    servers = tuple(
        Advertised(service=Service.IMAP, endpoint=each, dnssec=DNSSEC.SECURE)
        for each in (STARTTLS, IMPLICIT)
    )
    plan = plan_of(
        "alice@example.org",
        "example.org",
        [Finding(source="SRV", servers=servers)],
        policy=Policy(),
        trust=TrustStore.system(),
    )
    account = Account("alice@example.org", imap=STARTTLS)
    (hint,) = hints_on_changes(changes_between(account, plan))
    assert hint.startswith("IMAP at mail.example.org:993, implicit TLS, is advertised, too")
    now = certificate.not_valid_before_utc
    seen = report(certificate, STARTTLS)
    assert list(hints_on(seen, now, has_better=True)) == []
    assert "Offer implicit TLS" in next(hints_on(seen, now))
