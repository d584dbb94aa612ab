"""What is looked up before a connection, and what is not."""

from __future__ import annotations

import pytest

from securemail import DiscoveryError, DiscoveryReason, Endpoint, TLSMode
from securemail.aio.route import Route, find_route
from securemail.records import DNSSEC, TLSARecord
from tests.dns import HOST, FixedDNS

TLSA = TLSARecord(3, 1, 1, bytes(32))
OTHER = TLSARecord(2, 0, 1, bytes(32))


def endpoint(host: str = HOST, *addresses: str) -> Endpoint:
    return Endpoint(host, 993, TLSMode.IMPLICIT, addresses=addresses)


async def test_the_addresses_of_the_endpoint_go_before_the_resolver() -> None:
    dns = FixedDNS("127.0.0.9", has_dnssec=False)
    assert (await find_route(endpoint(HOST, "127.0.0.1"), dns)).addresses == ("127.0.0.1",)
    assert dns.asked == []


async def test_the_resolver_is_asked_where_the_endpoint_has_no_addresses() -> None:
    dns = FixedDNS("127.0.0.9", dnssec=DNSSEC.UNCHECKED)
    assert await find_route(endpoint(), dns) == Route(("127.0.0.9",))
    assert dns.asked == [HOST]


async def test_a_host_that_is_an_address_is_not_looked_up() -> None:
    dns = FixedDNS(tlsa={HOST: (TLSA,)})
    assert await find_route(endpoint("127.0.0.5"), dns) == Route(("127.0.0.5",))
    assert dns.asked == []


async def test_secure_records_at_a_secure_host_are_taken() -> None:
    dns = FixedDNS("127.0.0.9", tlsa={HOST: (TLSA,)})
    assert await find_route(endpoint(), dns) == Route(("127.0.0.9",), (TLSA,), HOST)
    assert dns.asked == [HOST, f"_993._tcp.{HOST}"]


async def test_records_are_asked_for_where_the_endpoint_has_addresses_of_its_own() -> None:
    dns = FixedDNS(tlsa={HOST: (TLSA,)})
    assert (await find_route(endpoint(HOST, "127.0.0.1"), dns)).tlsa == (TLSA,)


@pytest.mark.parametrize("standing", [DNSSEC.INSECURE, DNSSEC.UNCHECKED])
async def test_without_secure_addresses_records_are_not_even_asked_for(standing: DNSSEC) -> None:
    dns = FixedDNS("127.0.0.9", dnssec=standing, tlsa={HOST: (TLSA,)})
    assert await find_route(endpoint(), dns) == Route(("127.0.0.9",))
    assert dns.asked == [HOST]


@pytest.mark.parametrize("standing", [DNSSEC.INSECURE, DNSSEC.UNCHECKED])
async def test_records_that_are_not_secure_do_not_count(standing: DNSSEC) -> None:
    dns = FixedDNS("127.0.0.9", tlsa={HOST: (TLSA,)}, tlsa_dnssec=standing)
    assert await find_route(endpoint(), dns) == Route(("127.0.0.9",))


async def test_where_the_host_is_an_alias_its_own_name_comes_first() -> None:
    """RFC 7671 section 7."""
    real = "mx1.provider.example"
    dns = FixedDNS("127.0.0.9", canonical_name=real, tlsa={HOST: (TLSA,), real: (OTHER,)})
    assert await find_route(endpoint(), dns) == Route(("127.0.0.9",), (OTHER,), real)
    del dns.records[real]
    assert await find_route(endpoint(), dns) == Route(("127.0.0.9",), (TLSA,), HOST)


async def test_a_look_up_that_fails_in_a_signed_zone_is_an_error_and_not_no_record() -> None:
    dns = FixedDNS(
        "127.0.0.9", failure=DiscoveryError("SERVFAIL", reason=DiscoveryReason.SERVER_FAILURE)
    )
    with pytest.raises(DiscoveryError, match="SERVFAIL"):
        await find_route(endpoint(), dns)
