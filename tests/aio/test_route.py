"""What is looked up before a connection, and what is not."""

from __future__ import annotations

from securemail import Endpoint, Resolver, TLSMode
from securemail.aio.route import find_route
from securemail.records import DNSSEC, Answer


class FixedResolver(Resolver):
    """Gives the addresses that it was told, and notes who was asked for."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    async def addresses(self, host: str) -> Answer[str]:
        self.asked.append(host)
        return Answer(host, self._addresses, DNSSEC.UNCHECKED, canonical_name=host)


async def test_an_endpoint_with_addresses_is_not_looked_up() -> None:
    resolver = FixedResolver("127.0.0.9")
    endpoint = Endpoint("mail.example.org", 993, TLSMode.IMPLICIT, addresses=["127.0.0.1"])
    assert (await find_route(endpoint, resolver)).addresses == ("127.0.0.1",)
    assert resolver.asked == []


async def test_the_resolver_is_asked_where_the_endpoint_has_no_addresses() -> None:
    resolver = FixedResolver("127.0.0.9")
    endpoint = Endpoint("mail.example.org", 993, TLSMode.IMPLICIT)
    assert (await find_route(endpoint, resolver)).addresses == ("127.0.0.9",)
    assert resolver.asked == ["mail.example.org"]
