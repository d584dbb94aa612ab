"""A network that is away for an hour, and a server that is somewhere else then; on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, Final

import dns.message
import dns.rcode
import pytest

from securemail import Account, ConnectError, Endpoint, Password, Resolver, TLSMode, TrustStore
from securemail.aio import resolver_cache
from securemail.aio.resolver_lookup import DNSTrust
from securemail.reconnect import Backoff
from securemail.testing import CertificateAuthority, MailServer, NameServer
from securemail.uids import UIDSet
from securemail.watching import Connected, Lost, MailboxChanged, Rhythm, Watch
from tests.faults.clock import JumpingLoop, run
from tests.watching.worlds import Relay, until, watching

HERE, THERE = "127.0.0.1", "127.0.0.2"
HOST: Final = "mail.example.org"
MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"
TTL_S: Final = 300
HOUR_S: Final = 3600.0
# Each try costs 50 ms of real time, in which the loop finds out that nothing happens.
SELDOM: Final = Rhythm(backoff=Backoff(base=60, ceiling=600))


class Names:
    """A DNS that has one address, forgets it, or has another one."""

    def __init__(self) -> None:
        self.address: str | None = HERE
        self.asked = 0

    async def __call__(self, query: dns.message.Message) -> bytes | None:
        self.asked += 1
        if self.address is None:
            # The network is away. Silence would be the same, and take longer.
            failed = dns.message.make_response(query)
            failed.set_rcode(dns.rcode.SERVFAIL)
            return failed.to_wire()
        zone = f"mail {TTL_S} A {self.address}\n"
        return await NameServer({"example.org": zone}, unsigned=["example.org"]).honest(query)


def moving(ca: CertificateAuthority, port: int) -> Account:
    return Account(
        "alice@example.org",
        imap=Endpoint(HOST, port, TLSMode.IMPLICIT),
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(ca.pem),
    )


def resolver(names: NameServer) -> Resolver:
    return Resolver([names.address], trust=DNSTrust.NONE)


async def lost_for(events: Watch, seconds: float) -> None:
    """Return when so much time has passed without a session."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while loop.time() - began_s < seconds:
        assert isinstance((await until(events, Lost, limit_s=HOUR_S)).error, ConnectError)


async def away_for_an_hour(ca: CertificateAuthority) -> None:
    names_of = Names()
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        NameServer({}, answer=names_of) as names,
        Relay(server.port()) as here,
        Relay(None, at=(THERE, here.endpoint_port)) as there,
        watching(moving(ca, here.endpoint_port), resolver=resolver(names), rhythm=SELDOM) as events,
    ):
        await until(events, Connected)
        here.port, names_of.address = None, None
        here.drop()
        await lost_for(events, HOUR_S)
        # With full jitter up to 600 s between two tries an hour has some 15 of them.
        assert here.accepted + names_of.asked < 200
        server.store.deliver("alice", MESSAGE)
        names_of.address, there.port = THERE, server.port()
        assert (await until(events, MailboxChanged, limit_s=HOUR_S)).new == UIDSet.of([1])
        assert there.accepted == 1


async def moved_while_the_dns_is_remembered(ca: CertificateAuthority) -> None:
    names_of = Names()
    loop = asyncio.get_running_loop()
    rhythm = Rhythm(backoff=Backoff(base=30, ceiling=60))
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        NameServer({}, answer=names_of) as names,
        Relay(server.port()) as here,
        Relay(server.port(), at=(THERE, here.endpoint_port)) as there,
        watching(moving(ca, here.endpoint_port), resolver=resolver(names), rhythm=rhythm) as events,
    ):
        await until(events, Connected)
        learnt_s = loop.time()
        here.port, names_of.address = None, THERE
        here.drop()
        await until(events, Connected, limit_s=HOUR_S)
        assert there.accepted == 1
        # The last try at the old address may come just before the end, and some seconds are real.
        assert loop.time() - learnt_s < TTL_S + rhythm.backoff.ceiling + 5


def on_virtual_time(work: Coroutine[Any, Any, None], monkeypatch: pytest.MonkeyPatch) -> None:
    loop = JumpingLoop()
    monkeypatch.setattr(resolver_cache, "time", SimpleNamespace(monotonic=loop.time))
    run(work, loop=lambda: loop)


def test_a_network_that_is_back_after_an_hour_with_another_address_costs_no_message(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_virtual_time(away_for_an_hour(ca), monkeypatch)


def test_an_old_address_is_tried_no_longer_than_the_dns_said(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_virtual_time(moved_while_the_dns_is_remembered(ca), monkeypatch)
