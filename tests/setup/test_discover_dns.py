"""discover() against a name server that speaks DNS: signed, unsigned, forged, odd and silent."""

from __future__ import annotations

from functools import cache

import dns.message
import pytest

from securemail import (
    ConfirmationRequired,
    DiscoveryError,
    DiscoveryReason,
    Resolver,
    Service,
    Timeouts,
)
from securemail.discovery.plan import Plan
from securemail.records import DNSSEC
from securemail.setup import SRV, discover
from securemail.testing import NameServer
from securemail.testing.dns.authority import Authority
from securemail.testing.dns.server import Answerer
from securemail.testing.dns.zone import DAY_S, Denial, Signing, make_zone
from tests.discovery.worlds import NOW
from tests.values import silent

ABROAD = """
_imaps._tcp SRV 0 1 993 mail.provider.test.
_submissions._tcp SRV 0 1 465 mail.provider.test.
_pop3s._tcp SRV 0 0 0 .
_pop3._tcp SRV 0 0 0 .
"""
ALIASES = """
_imaps._tcp CNAME _imaps._tcp.provider.test.
_imap._tcp CNAME loop
loop CNAME loop2
loop2 CNAME loop
"""
MANY = "".join(f"_imaps._tcp SRV {n} 1 993 mail{n}\n" for n in range(100))
TEXT = '_imaps._tcp TXT "v=1"\n_imap._tcp SRV 0 1 143 mail\n'
PROVIDER = "_imaps._tcp SRV 0 1 993 mail\nmail A 127.0.0.1\n"
OPEN = Signing(denial=Denial.NONE)


@cache
def world() -> Authority:
    past = Signing(inception=NOW - 100 * DAY_S, expiration=NOW - DAY_S)
    return Authority.of(
        [
            make_zone(".", ""),
            make_zone("test.", ""),
            make_zone("signed.test.", ABROAD),
            make_zone("open.test.", ABROAD, OPEN),
            make_zone("expired.test.", ABROAD, past),
            make_zone("alias.test.", ALIASES),
            make_zone("many.test.", MANY),
            make_zone("text.test.", TEXT),
            make_zone("xn--bcher-kva.test.", PROVIDER),
            make_zone("provider.test.", PROVIDER),
        ]
    )


async def planned(domain: str, answer: Answerer | None = None) -> Plan:
    async with NameServer(world(), answer=answer) as server:
        resolver = Resolver([server.address], anchor=world().anchor)
        return await discover(f"alice@{domain}", resolver=resolver, sources=[SRV()])


async def test_signed_records_may_lead_anywhere() -> None:
    plan = await planned("signed.test")
    (imap,) = plan.candidates(Service.IMAP)
    assert (imap.dnssec, imap.usable) == (DNSSEC.SECURE, True)
    assert plan.not_offered == {Service.POP3}
    account = plan.account()
    assert account.imap is not None
    assert account.imap.host == "mail.provider.test"
    assert account.imap.srv_domain == "signed.test"


async def test_the_same_records_unsigned_need_a_person() -> None:
    plan = await planned("open.test")
    (imap,) = plan.candidates(Service.IMAP)
    assert (imap.dnssec, imap.usable) == (DNSSEC.INSECURE, False)
    with pytest.raises(ConfirmationRequired) as caught:
        plan.account()
    assert caught.value.hosts == ("mail.provider.test",)
    assert plan.account(confirm=caught.value.hosts).submission


async def test_expired_signatures_are_a_forgery_and_no_absence() -> None:
    with pytest.raises(DiscoveryError) as caught:
        await planned("expired.test")
    assert caught.value.reason is DiscoveryReason.BOGUS


async def test_an_alias_is_followed_and_a_loop_costs_one_question_only() -> None:
    plan = await planned("alias.test")
    (imap,) = plan.candidates(Service.IMAP)
    assert imap.endpoint.host == "mail.provider.test"
    assert imap.endpoint.srv_domain == "alias.test"
    assert imap.usable
    assert any("_imap._tcp.alias.test" in note for note in plan.notes)


async def test_a_hundred_records_are_all_there_in_their_order() -> None:
    plan = await planned("many.test")
    hosts = [each.endpoint.host for each in plan.candidates(Service.IMAP)]
    assert hosts == [f"mail{n}.many.test" for n in range(100)]


async def test_records_of_another_type_are_none() -> None:
    plan = await planned("text.test")
    assert [each.endpoint.port for each in plan.candidates(Service.IMAP)] == [143]


async def test_a_domain_in_another_script_is_found() -> None:
    plan = await planned("bücher.test")
    assert plan.candidates(Service.IMAP)[0].endpoint.host == "mail.xn--bcher-kva.test"


async def garbage(query: dns.message.Message) -> bytes | None:
    return query.id.to_bytes(2, "big") + b"\x80\x00" + b"\xff" * 40


@pytest.mark.parametrize("answer", [silent, garbage])
async def test_a_server_that_does_not_answer_leaves_a_typed_error_in_time(
    answer: Answerer,
) -> None:
    async with NameServer(world(), answer=answer) as server:
        resolver = Resolver([server.address], anchor=world().anchor)
        limits = Timeouts(connect=0.2, total=5)
        with pytest.raises(DiscoveryError) as caught:
            await discover("alice@signed.test", resolver=resolver, sources=[SRV()], timeouts=limits)
    assert caught.value.reason in {DiscoveryReason.TIMEOUT, DiscoveryReason.MALFORMED}
