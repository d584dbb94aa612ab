"""From an address to mail over NSD, unbound and Dovecot, whoever is trusted about the DNS."""

from __future__ import annotations

from pathlib import Path

import pytest

from securemail import (
    DNSSEC,
    ConfirmationRequired,
    DiscoveryError,
    DiscoveryReason,
    DNSTrust,
    Resolver,
    Service,
    Trust,
    connect_imap,
    connect_pop3,
    connect_submission,
    discover,
    verify_account,
)
from securemail.discovery.plan import Plan
from securemail.setup import SRV
from tests.servers.dane import DaneWorld
from tests.servers.nsd import DNSWorld
from tests.servers.unbound import TLS_NAME

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix, pytest.mark.nsd]

# How far the records of a signed domain are believed, and what vouches for its server then.
GRADES = {
    DNSTrust.VALIDATE: (DNSSEC.SECURE, Trust.DANE_EE),
    DNSTrust.AD: (DNSSEC.SECURE, Trust.DANE_EE),
    DNSTrust.NONE: (DNSSEC.UNCHECKED, Trust.PKIX),
}


async def planned(world: DaneWorld, domain: str, dns: Resolver, *, trusted: bool) -> Plan:
    return await discover(
        f"alice@{domain}", resolver=dns, trust=world.trust(trusted=trusted), sources=[SRV()]
    )


@pytest.mark.parametrize("host", ["ee", "roll", "alias"])
@pytest.mark.parametrize("trust", DNSTrust)
async def test_an_address_becomes_an_account_that_works(
    dane_world: DaneWorld, trust: DNSTrust, host: str
) -> None:
    """The host lies elsewhere: where nothing signed names it, a person has to confirm it."""
    standing, vouched = GRADES[trust]
    dns = dane_world.resolver(trust)
    plan = await planned(dane_world, f"{host}.mail.test", dns, trusted=vouched is Trust.PKIX)
    assert {each.dnssec for each in plan.candidates(Service.IMAP)} == {standing}
    confirm: tuple[str, ...] = ()
    if standing is not DNSSEC.SECURE:
        with pytest.raises(ConfirmationRequired) as question:
            plan.account(credentials=dane_world.credentials)
        confirm = tuple(question.value.hosts)
        assert confirm == (f"{host}.dane.test",)
    account = plan.account(credentials=dane_world.credentials, confirm=confirm)
    report = await verify_account(account, resolver=dns)
    assert report.is_ok, str(report)
    assert len(report.services) == 3
    assert {each.confidentiality and each.confidentiality.trust for each in report.services} == {
        vouched
    }
    async with (
        connect_imap(account, resolver=dns) as imap,
        connect_pop3(account, resolver=dns) as pop3,
        connect_submission(account, resolver=dns) as submission,
    ):
        assert imap.authenticated_by == pop3.authenticated_by == submission.authenticated_by


@pytest.mark.parametrize("trust", DNSTrust)
async def test_an_unsigned_domain_needs_a_person_whoever_is_trusted(
    dane_world: DaneWorld, trust: DNSTrust
) -> None:
    dns = dane_world.resolver(trust)
    plan = await planned(dane_world, "open.test", dns, trusted=True)
    with pytest.raises(ConfirmationRequired):
        plan.account(credentials=dane_world.credentials)


@pytest.mark.parametrize("trust", DNSTrust)
async def test_a_bogus_domain_is_an_error_and_not_one_without_records(
    dane_world: DaneWorld, trust: DNSTrust
) -> None:
    with pytest.raises(DiscoveryError) as caught:
        await planned(dane_world, "bogus.test", dane_world.resolver(trust), trusted=True)
    assert caught.value.reason is DiscoveryReason.BOGUS


@pytest.mark.parametrize("trust", [DNSTrust.VALIDATE, DNSTrust.AD])
async def test_a_server_whose_records_name_another_key_is_reported_without_a_login(
    dane_world: DaneWorld, trust: DNSTrust
) -> None:
    dns = dane_world.resolver(trust)
    plan = await planned(dane_world, "wrong.mail.test", dns, trusted=True)
    report = await verify_account(plan.account(credentials=dane_world.credentials), resolver=dns)
    assert [each.login.name for each in report.services] == ["NOT_TRIED"] * 3


@pytest.mark.parametrize("trust", DNSTrust)
async def test_a_resolver_may_be_asked_over_tls(
    dns_world: DNSWorld, trust: DNSTrust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_bytes(dns_world.unbound.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    asked = [dns_world.unbound.tls_server]
    dns = Resolver(asked, tls_name=TLS_NAME, trust=trust, anchor=dns_world.anchor)
    answer = await dns.tlsa("mail.nsec3.test", 465)
    assert len(answer.records) == 2
    assert answer.dnssec is GRADES[trust][0]


async def test_a_resolver_with_another_name_is_not_asked(
    dns_world: DNSWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_bytes(dns_world.unbound.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    asked = [dns_world.unbound.tls_server]
    dns = Resolver(asked, tls_name="other.test", trust=DNSTrust.AD)
    with pytest.raises(DiscoveryError, match="certificate") as caught:
        await dns.tlsa("mail.nsec3.test", 465)
    assert caught.value.reason is DiscoveryReason.UNREACHABLE
