"""The name server for tests: what resolvers, ours and others, get from it."""

from __future__ import annotations

import socket

import dns.asyncquery
import dns.flags
import dns.message
import pytest

from securemail import DNSSEC, DNSTrust, Resolver
from securemail.records import TLSARecord
from securemail.testing import MailServer, NameServer, mail_zone

ZONE = {"example.org": 'mail A 127.0.0.7\n@ TXT "hello"\n'}
BIG = {"example.org": "".join(f"mail A 127.0.1.{number}\n" for number in range(200))}


async def test_its_zones_are_signed_from_a_root_of_its_own() -> None:
    async with NameServer(ZONE) as names:
        answer = await Resolver([names.address], anchor=names.anchor).addresses("mail.example.org")
    assert (answer.records, answer.dnssec) == (("127.0.0.7",), DNSSEC.SECURE)


async def test_zones_are_left_unsigned_where_that_is_asked_for() -> None:
    async with NameServer(ZONE, unsigned=["example.org"]) as names:
        answer = await Resolver([names.address], anchor=names.anchor).addresses("mail.example.org")
    assert answer.dnssec is DNSSEC.INSECURE


async def test_what_is_too_long_for_a_datagram_comes_by_tcp() -> None:
    async with NameServer(BIG) as names:
        query = dns.message.make_query("mail.example.org", "A")
        host, port = names.address
        short = await dns.asyncquery.udp(query, host, port=port, timeout=5)
        whole = await dns.asyncquery.tcp(query, host, port=port, timeout=5)
    assert short.flags & dns.flags.TC
    assert len(whole.answer[0]) == 200
    assert [kind for kind, _ in names.queries] == ["udp", "tcp"]


async def test_what_is_no_query_gets_no_answer() -> None:
    async with NameServer(ZONE) as names:
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"what?", names.address)
        resolver = Resolver([names.address], trust=DNSTrust.NONE)
        assert (await resolver.addresses("mail.example.org")).records
    assert all(asked.startswith("mail.example.org.") for asked in names.asked())


async def test_the_zone_of_a_mail_server_has_its_services_and_its_key() -> None:
    async with MailServer({}) as server, NameServer(mail_zone(server)) as names:
        resolver = Resolver([names.address], anchor=names.anchor)
        port = server.port("submission", "starttls")
        (submission,) = (await resolver.srv("_submission._tcp", "example.org")).records
        assert (submission.port, submission.target) == (port, "mail.example.org")
        (tlsa,) = (await resolver.tlsa("mail.example.org", port)).records
        assert isinstance(tlsa, TLSARecord)
        assert (tlsa.usage, tlsa.selector, tlsa.matching_type) == (3, 1, 1)


async def test_without_dane_the_zone_has_no_key() -> None:
    async with MailServer({}) as server:
        names = NameServer(mail_zone(server, has_dane=False))
        async with names:
            resolver = Resolver([names.address], anchor=names.anchor)
            found = await resolver.tlsa("mail.example.org", server.port())
    assert (found.records, found.dnssec) == ((), DNSSEC.SECURE)


async def test_it_has_no_address_unless_it_runs() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = NameServer(ZONE).address
