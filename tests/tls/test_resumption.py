"""When a session may be taken up again: the key, and the evidence under the rules of today."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import (
    Account,
    Endpoint,
    Password,
    Policy,
    Proxy,
    ProxyKind,
    Revocation,
    Service,
    TLSMode,
    TrustStore,
)
from securemail.limits import RESUMPTION_S
from securemail.proof import CertificateReason, TLSVersion, Trust
from securemail.records import TLSARecord
from securemail.testing import CertificateAuthority
from securemail.testing.ca import self_signed
from securemail.tls.resumption import Evidence, SessionKey, judge
from securemail.tls.verdict import Finding, Rules
from tests.tls.memory import HOST
from tests.values import GOOD_PROOF

NOW = dt.datetime.now(dt.UTC)
HOUR = dt.timedelta(hours=1)
LIFETIME = dt.timedelta(seconds=RESUMPTION_S)
CA = CertificateAuthority()
ROOT = x509.load_pem_x509_certificate(CA.pem)
RULES = Rules(host=HOST, is_address=False, must_validate=True)


def leaf(
    name: str = HOST, not_before: dt.datetime | None = None, not_after: dt.datetime | None = None
) -> x509.Certificate:
    issued = CA.issue(name, not_before=not_before, not_after=not_after)
    return x509.load_der_x509_certificate(issued.der)


def evidence(
    *chain: x509.Certificate,
    findings: tuple[Finding, ...] = (),
    at: dt.datetime = NOW,
    version: TLSVersion = TLSVersion.TLS_1_3,
) -> Evidence:
    proof = replace(GOOD_PROOF, chain=chain or (leaf(), ROOT), tls_version=version)
    return Evidence(proof, findings, at)


def ee(certificate: x509.Certificate, usage: int = 3) -> TLSARecord:
    return TLSARecord(usage, 0, 1, sha256(certificate.public_bytes(Encoding.DER)).digest())


def under(rules: Rules, *records: TLSARecord) -> Rules:
    return replace(rules, tlsa=records, tlsa_base=rules.host)


# --- whose session it is


def key(
    address: str = "alice@example.org",
    service: Service = Service.IMAP,
    endpoint: Endpoint | None = None,
    rules: Rules = RULES,
    **fields: Any,
) -> SessionKey:
    fields.setdefault("credentials", Password("alice", "secret"))
    fields.setdefault("trust", TrustStore.from_pem(CA.pem))
    here = endpoint or Endpoint(HOST, 993, TLSMode.IMPLICIT)
    return SessionKey.of(Account(address, imap=here, **fields), service, here, rules)


OTHERS = {
    "address": key(address="bob@example.org"),
    "username": key(credentials=Password("bob", "secret")),
    "no credentials": key(credentials=None),
    "authorization identity": key(authorization_identity="bob"),
    "service": key(service=Service.POP3),
    "host": key(endpoint=Endpoint("imap.example.org", 993, TLSMode.IMPLICIT)),
    "port": key(endpoint=Endpoint(HOST, 1993, TLSMode.IMPLICIT)),
    "mode": key(endpoint=Endpoint(HOST, 993, TLSMode.STARTTLS)),
    "addresses": key(
        endpoint=Endpoint(HOST, 993, TLSMode.IMPLICIT, addresses=["192.0.2.1"]),
    ),
    "SNI": key(rules=replace(RULES, tlsa=(ee(ROOT),), tlsa_base="real.example.net")),
    "minimum version": key(policy=Policy(minimum_tls=TLSVersion.TLS_1_3)),
    "post-quantum": key(policy=Policy(require_post_quantum=True)),
    "DANE": key(policy=Policy(require_dane=True)),
    "revocation": key(policy=Policy(revocation=Revocation.REQUIRED)),
    "no revocation": key(policy=Policy(revocation=Revocation.OFF)),
    "channel binding": key(policy=Policy(require_channel_binding=True)),
    "trust": key(trust=TrustStore.from_pem(CertificateAuthority().pem)),
    "the system's trust": key(trust=TrustStore.system()),
    "a proxy": key(proxy=Proxy(ProxyKind.SOCKS5, "proxy.example.org", 1080)),
    "another proxy": key(proxy=Proxy(ProxyKind.SOCKS5, "proxy.example.net", 1080)),
    "another proxy's account": key(
        proxy=Proxy(ProxyKind.SOCKS5, "proxy.example.org", 1080, username="a", password="hidden")
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_whoever_differs_in_anything_has_another_key(kind: str) -> None:
    assert OTHERS[kind] != key()


def test_no_two_of_them_have_the_same_key() -> None:
    assert len(set(OTHERS.values())) == len(OTHERS)


def test_the_same_account_has_the_same_key_with_another_password() -> None:
    again = key(credentials=Password("alice", "new secret"))
    assert (again, hash(again)) == (key(), hash(key()))
    assert "secret" not in repr(again)
    assert not any("secret" in str(getattr(again, each.name)) for each in fields(again))


# --- what the evidence is worth today


def test_what_was_proved_an_hour_ago_still_is() -> None:
    verdict = judge(evidence(), RULES, NOW + HOUR)
    assert verdict is not None
    assert verdict.trust is Trust.PKIX
    assert verdict.identity == GOOD_PROOF.identity


@pytest.mark.parametrize(
    ("age", "is_good"),
    [
        (dt.timedelta(0), True),
        (LIFETIME - dt.timedelta(seconds=1), True),
        (LIFETIME, False),
        (LIFETIME * 2, False),
        (-dt.timedelta(seconds=1), False),
    ],
    ids=str,
)
def test_it_is_good_for_half_a_day_and_no_clock_set_back_makes_it_younger(
    age: dt.timedelta, is_good: bool
) -> None:
    assert (judge(evidence(), RULES, NOW + age) is not None) == is_good


def test_tls12_and_a_handshake_without_a_chain_are_no_evidence() -> None:
    assert judge(evidence(version=TLSVersion.TLS_1_2), RULES, NOW) is None
    bare = Evidence(replace(GOOD_PROOF, chain=()), (), NOW)
    assert judge(bare, RULES, NOW) is None


def test_a_name_that_is_wanted_today_and_not_in_the_certificate_ends_it() -> None:
    other = replace(RULES, host="imap.example.org")
    assert judge(evidence(), other, NOW) is None
    assert judge(evidence(leaf("imap.example.org"), ROOT), other, NOW) is not None


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("shift", [-1, 1], ids=["expired", "not yet valid"])
def test_a_certificate_of_the_chain_that_is_out_of_date_today_ends_it(
    place: int, shift: int
) -> None:
    # Valid for the minute of the handshake; half an hour later, or before, it is not.
    minute = dt.timedelta(minutes=1)
    now = NOW + HOUR / 2
    start, end = (NOW - HOUR, NOW + minute) if shift < 0 else (now + minute, now + HOUR)
    bad = leaf(HOST, not_before=start, not_after=end)
    chain = (bad, ROOT) if place == 0 else (leaf(), bad, ROOT)
    assert judge(evidence(*chain), RULES, now) is None


def test_what_pkix_found_wanting_then_still_is() -> None:
    own = x509.load_der_x509_certificate(self_signed(HOST).der)
    finding = Finding(CertificateReason.SELF_SIGNED, own, "the server signed it itself")
    vouched = evidence(own, findings=(finding,))
    met = judge(vouched, under(RULES, ee(own)), NOW)
    assert met is not None
    assert met.trust is Trust.DANE_EE
    # The records have gone: the certificate is what it was, nobody's.
    assert judge(vouched, RULES, NOW) is None


def test_dane_records_of_today_that_are_not_met_end_it() -> None:
    before = evidence()
    assert judge(before, under(RULES, ee(leaf())), NOW) is None
    met = judge(before, under(RULES, ee(before.proof.chain[0])), NOW)
    assert met is not None
    assert (met.trust, met.tlsa) == (Trust.DANE_EE, ee(before.proof.chain[0]))


def test_dates_do_not_matter_where_dane_vouches_for_the_key() -> None:
    own = leaf(HOST, not_before=NOW - HOUR, not_after=NOW + dt.timedelta(minutes=1))
    assert judge(evidence(own, ROOT), under(RULES, ee(own)), NOW + HOUR) is not None
    # With an authority of the server's own they do (RFC 7671 section 5.2).
    anchored = under(RULES, ee(ROOT, usage=2))
    assert judge(evidence(own, ROOT), anchored, NOW + HOUR) is None
