"""DANE from end to end: TLSA records in a signed zone, NSD, unbound, our validation, Dovecot."""

from __future__ import annotations

import asyncio

import pytest

from securemail import (
    CertificateError,
    CertificateReason,
    DiscoveryError,
    DiscoveryReason,
    DNSTrust,
    Policy,
    PolicyError,
    SecureMailError,
    SecureSession,
    Service,
    Shortfall,
    TLSMode,
    Trust,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from securemail.account import Account
from securemail.aio.resolver import Resolver
from securemail.policy.confidentiality import Confidentiality
from tests.servers.dane import WAYS, DaneWorld
from tests.servers.process import eventually

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix, pytest.mark.nsd]

USAGES = {
    "pkix-ta": (0, Trust.PKIX),
    "pkix-ee": (1, Trust.PKIX),
    "ta": (2, Trust.DANE_TA),
    "ee": (3, Trust.DANE_EE),
}
IMAPS = (Service.IMAP, TLSMode.IMPLICIT)
SIGNED = (DNSTrust.VALIDATE, DNSTrust.AD)


async def logged_in(
    account: Account, way: tuple[Service, TLSMode], dns: Resolver
) -> Confidentiality:
    match way[0]:
        case Service.IMAP:
            async with connect_imap(account, resolver=dns) as imap:
                return imap.confidentiality
        case Service.POP3:
            async with connect_pop3(account, resolver=dns) as pop3:
                return pop3.confidentiality
        case Service.SUBMISSION:
            async with connect_submission(account, resolver=dns) as submission:
                return submission.confidentiality


async def refused(account: Account, way: tuple[Service, TLSMode], dns: Resolver) -> SecureMailError:
    with pytest.raises(SecureMailError) as caught:
        await SecureSession.connect(account, way[0], resolver=dns)
    return caught.value


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("host", USAGES)
async def test_each_usage_vouches_for_the_server_of_every_service(
    dane_world: DaneWorld, host: str, way: tuple[Service, TLSMode]
) -> None:
    """Usages 2 and 3 do so without any authority that the account knows."""
    usage, trust = USAGES[host]
    policy = Policy(require_dane=True)
    account = dane_world.account(host, way, trusted=usage < 2, policy=policy)
    found = await logged_in(account, way, dane_world.resolver())
    assert found.trust is trust
    assert found.tlsa is not None
    assert found.tlsa.usage == usage
    assert found.shortfalls == frozenset()


@pytest.mark.parametrize("host", ["pkix-ta", "pkix-ee"])
async def test_usages_0_and_1_want_an_authority_too(dane_world: DaneWorld, host: str) -> None:
    account = dane_world.account(host, IMAPS, trusted=False)
    error = await refused(account, IMAPS, dane_world.resolver())
    assert isinstance(error, CertificateError)
    assert error.reason is CertificateReason.UNKNOWN_ISSUER


@pytest.mark.parametrize("trust", SIGNED)
@pytest.mark.parametrize("host", ["roll", "alias"])
async def test_during_a_roll_over_and_behind_an_alias_the_key_is_found(
    dane_world: DaneWorld, host: str, trust: DNSTrust
) -> None:
    account = dane_world.account(host, IMAPS)
    found = await logged_in(account, IMAPS, dane_world.resolver(trust))
    assert found.trust is Trust.DANE_EE


@pytest.mark.parametrize("trust", SIGNED)
@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_no_login_leaves_where_the_records_name_another_key(
    dane_world: DaneWorld, way: tuple[Service, TLSMode], trust: DNSTrust
) -> None:
    """An authority that the account knows does not help."""
    before = len(dane_world.dovecot.log())
    account = dane_world.account("wrong", way, trusted=True)
    error = await refused(account, way, dane_world.resolver(trust))
    assert isinstance(error, CertificateError)
    assert error.reason is CertificateReason.DANE_MISMATCH

    def has_logged_the_end() -> bool:
        return "no auth attempts" in dane_world.dovecot.log()[before:]

    await asyncio.to_thread(eventually, has_logged_the_end, timeout_s=10)
    assert "alice" not in dane_world.dovecot.log()[before:]


@pytest.mark.parametrize("trust", SIGNED)
async def test_a_forged_record_ends_it_before_anybody_is_connected_to(
    dane_world: DaneWorld, trust: DNSTrust
) -> None:
    before = dane_world.dovecot.log()
    account = dane_world.account("forged", IMAPS, trusted=True)
    error = await refused(account, IMAPS, dane_world.resolver(trust))
    assert isinstance(error, DiscoveryError)
    assert error.reason is DiscoveryReason.BOGUS
    assert dane_world.dovecot.log() == before


@pytest.mark.parametrize("trust", SIGNED)
async def test_where_a_signed_zone_has_no_records_authorities_count_unless_dane_is_required(
    dane_world: DaneWorld, trust: DNSTrust
) -> None:
    dns = dane_world.resolver(trust)
    plain = dane_world.account("plain", IMAPS, trusted=True)
    assert (await logged_in(plain, IMAPS, dns)).trust is Trust.PKIX
    policy = Policy(require_dane=True)
    error = await refused(
        dane_world.account("plain", IMAPS, trusted=True, policy=policy), IMAPS, dns
    )
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_DANE}


async def test_without_trust_in_the_dns_records_do_not_count(dane_world: DaneWorld) -> None:
    dns = dane_world.resolver(DNSTrust.NONE)
    account = dane_world.account("ee", IMAPS, trusted=True)
    assert (await logged_in(account, IMAPS, dns)).trust is Trust.PKIX
    policy = Policy(require_dane=True)
    error = await refused(dane_world.account("ee", IMAPS, trusted=True, policy=policy), IMAPS, dns)
    assert isinstance(error, PolicyError)
    assert error.shortfalls == {Shortfall.NO_DANE}
