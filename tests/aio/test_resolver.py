"""The resolver on the wire: what it asks, and what it makes of good answers."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import pytest

from securemail import (
    DNSSEC,
    ConnectError,
    DiscoveryError,
    DiscoveryReason,
    DNSTrust,
    Resolver,
    UsageError,
)
from securemail.records import SRVRecord, TLSARecord
from securemail.testing import NameServer
from tests.discovery.worlds import world
from tests.values import silent


def validating(server: NameServer, timeout_s: float = 5.0) -> Resolver:
    return Resolver([server.address], anchor=world().anchor, timeout_s=timeout_s)


async def test_addresses_of_both_families_come_with_their_standing() -> None:
    async with NameServer(world()) as server:
        answer = await validating(server).addresses("mail.nsec.test")
    assert answer.records == ("::1", "127.0.0.1")
    assert answer.dnssec is DNSSEC.SECURE
    assert (answer.name, answer.canonical_name) == ("mail.nsec.test", "mail.nsec.test")
    assert answer.ttl_s == 300


async def test_an_alias_leads_to_its_canonical_name() -> None:
    async with NameServer(world()) as server:
        answer = await validating(server).addresses("abroad.nsec.test")
    assert (answer.canonical_name, answer.dnssec) == ("mail.nsec3.test", DNSSEC.SECURE)


async def test_an_alias_into_an_unsigned_zone_is_insecure() -> None:
    async with NameServer(world()) as server:
        answer = await validating(server).addresses("insecure.nsec.test")
    assert answer.dnssec is DNSSEC.INSECURE


async def test_tlsa_and_srv_become_values() -> None:
    async with NameServer(world()) as server:
        resolver = validating(server)
        tlsa = await resolver.tlsa("mail.nsec.test", 993)
        srv = await resolver.srv("_imaps._tcp", "nsec3.test")
    assert tlsa.name == "_993._tcp.mail.nsec.test"
    assert tlsa.records == (TLSARecord(3, 1, 1, bytes.fromhex("ab" * 32)),)
    assert srv.records == (SRVRecord(0, 1, 993, "mail.nsec3.test"),)
    assert tlsa.dnssec is srv.dnssec is DNSSEC.SECURE


@pytest.mark.parametrize("zone", ["nsec.test", "nsec3.test"])
async def test_an_absence_that_is_proved_is_an_answer_without_records(zone: str) -> None:
    async with NameServer(world()) as server:
        answer = await validating(server).tlsa(f"mail.{zone}", 143)
    assert (answer.records, answer.dnssec) == ((), DNSSEC.SECURE)


async def test_a_bogus_address_is_an_error_of_its_own() -> None:
    async with NameServer(world()) as server:
        with pytest.raises(DiscoveryError, match=r"expired\.test\. DNSKEY") as caught:
            await validating(server).addresses("mail.expired.test")
    assert caught.value.reason is DiscoveryReason.BOGUS


async def test_a_host_without_addresses_cannot_be_connected_to() -> None:
    async with NameServer(world()) as server:
        with pytest.raises(ConnectError, match="no address") as caught:
            await validating(server).addresses("nowhere.nsec.test")
    assert caught.value.phase == "connect"


async def test_an_address_is_its_own_and_nobody_is_asked() -> None:
    async with NameServer(world()) as server:
        answer = await validating(server).addresses("127.0.0.9")
    assert answer.records == ("127.0.0.9",)
    assert server.queries == []


async def test_questions_ask_for_signatures_and_for_what_is_bogus_too() -> None:
    async with NameServer(world()) as server:
        await validating(server).srv("_imaps._tcp", "nsec.test")
    for kind, query in server.queries:
        assert kind == "udp"
        assert query.ednsflags & dns.flags.DO
        assert query.flags & (dns.flags.RD | dns.flags.CD) == dns.flags.RD | dns.flags.CD
    assert len({query.id for _, query in server.queries}) > 1


async def test_what_does_not_fit_a_datagram_is_asked_over_tcp() -> None:
    async with NameServer(world()) as server:
        answer = await validating(server).addresses("big.nsec.test")
    assert len(answer.records) == 100
    assert "tcp" in {kind for kind, _ in server.queries}


async def test_an_answer_is_kept_as_long_as_it_holds() -> None:
    async with NameServer(world()) as server:
        resolver = validating(server)
        first = await resolver.addresses("mail.nsec.test")
        asked = len(server.queries)
        second = await resolver.addresses("mail.nsec.test")
        await resolver.addresses("alias.nsec.test")
    assert second.records == first.records
    # The chain of keys is known; only the alias is new.
    assert server.asked()[asked:] == [
        "alias.nsec.test. IN AAAA",
        "alias.nsec.test. IN A",
    ]


async def test_look_ups_of_the_same_name_share_the_work() -> None:
    async with NameServer(world()) as server:
        resolver = validating(server)
        await asyncio.gather(*(resolver.addresses("mail.nsec.test") for _ in range(20)))
    assert len(server.asked()) == len(set(server.asked()))


async def test_who_is_cancelled_leaves_the_others_their_result() -> None:
    go_on = asyncio.Event()

    async def waiting(query: dns.message.Message) -> bytes | None:
        await go_on.wait()
        return await server.honest(query)

    async with NameServer(world(), answer=waiting) as server:
        resolver = validating(server)
        first = asyncio.create_task(resolver.tlsa("mail.nsec.test", 993))
        second = asyncio.create_task(resolver.tlsa("mail.nsec.test", 993))
        await server.is_asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        assert (await second).records


async def test_when_all_are_cancelled_nothing_goes_on() -> None:
    async with NameServer(world(), answer=silent) as server:
        tasks = {
            asyncio.create_task(validating(server).addresses("mail.nsec.test")) for _ in range(2)
        }
        await server.is_asked.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)


async def test_a_resolver_that_answers_nothing_ends_in_its_time_limit() -> None:
    async with NameServer(world(), answer=silent) as server:
        resolver = validating(server, timeout_s=0.1)
        with pytest.raises(DiscoveryError, match=r"longer than 0\.1 s") as caught:
            await resolver.srv("_imaps._tcp", "nsec.test")
        assert caught.value.reason is DiscoveryReason.TIMEOUT
        with pytest.raises(ConnectError, match="cannot look up") as refused:
            await resolver.addresses("mail.nsec.test")
        assert refused.value.phase == "connect"


async def test_a_resolver_that_is_not_there_is_known_at_once() -> None:
    async with NameServer(world()) as server:
        gone = server.address
    with pytest.raises(DiscoveryError) as caught:
        await Resolver([gone], trust=DNSTrust.NONE).srv("_imaps._tcp", "nsec.test")
    assert caught.value.reason is DiscoveryReason.UNREACHABLE


async def test_the_next_resolver_is_asked_where_one_is_gone() -> None:
    async with NameServer(world()) as server:
        gone = server.address
    async with NameServer(world()) as server:
        resolver = Resolver([gone, server.address], anchor=world().anchor)
        assert (await resolver.addresses("mail.nsec.test")).dnssec is DNSSEC.SECURE


async def test_without_trust_answers_are_unchecked() -> None:
    async with NameServer(world()) as server:
        resolver = Resolver([server.address], trust=DNSTrust.NONE)
        answer = await resolver.addresses("mail.expired.test")
    assert answer.dnssec is DNSSEC.UNCHECKED
    assert not any(query.ednsflags & dns.flags.DO for _, query in server.queries)


@pytest.mark.parametrize(("is_set", "standing"), [(True, "secure"), (False, "insecure")])
async def test_the_ad_bit_counts_where_it_is_trusted(is_set: bool, standing: str) -> None:
    async def speaking(query: dns.message.Message) -> bytes | None:
        response = dns.message.from_wire(await server.honest(query) or b"")
        response.flags |= dns.flags.AD if is_set else 0
        return response.to_wire()

    async with NameServer(world(), answer=speaking) as server:
        resolver = Resolver([server.address], trust=DNSTrust.AD)
        assert (await resolver.tlsa("mail.nsec.test", 993)).dnssec.value == standing
    assert all(query.flags & dns.flags.AD for _, query in server.queries)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"servers": []}, "Resolver.servers"),
        ({"servers": [("dns.example", 53)]}, "Resolver.servers"),
        ({"servers": [("127.0.0.1", 0)]}, "Resolver.servers"),
        ({"servers": [("192.0.2.1", 53)], "trust": DNSTrust.AD}, "Resolver.trust"),
        (
            {"servers": [("127.0.0.1", 53), ("192.0.2.1", 53)], "trust": DNSTrust.AD},
            "Resolver.trust",
        ),
        ({"servers": [("127.0.0.1", 53)], "trust": "ad"}, "Resolver.trust"),
        ({"servers": [("127.0.0.1", 53)], "anchor": "/nowhere/root.key"}, "Resolver.anchor"),
        ({"servers": [("127.0.0.1", 53)], "anchor": ". IN DS 1 250 2 ab"}, "Resolver.anchor"),
        ({"servers": [("127.0.0.1", 53)], "anchor": ". IN TXT a b c"}, "Resolver.anchor"),
    ],
)
def test_a_resolver_that_cannot_work_is_refused(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(UsageError) as caught:
        Resolver(**arguments)  # type: ignore[arg-type]  # what its fields are of
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["", "..", "a..b", "x" * 64, "a b", "\ud800", "x." * 200 + "y"])
async def test_what_is_no_name_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(UsageError):
        await Resolver([("127.0.0.1", 9)]).tlsa(name, 993)
