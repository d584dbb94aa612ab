"""Bounds that take a server, a clock or a zone to run into: at each of them, and one beyond."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import dns.message
import dns.name
import pytest
from dns.rdatatype import NSEC3, A

from securemail import (
    AccountStore,
    DiscoveryError,
    DiscoveryReason,
    DNSTrust,
    Resolver,
    SecureSession,
    Service,
    StoreError,
    StoreReason,
    UnknownOutcome,
    limits,
)
from securemail.aio.resolver_ask import Upstream
from securemail.aio.resolver_lookup import _ttl
from securemail.discovery.dnssec_nsec3 import HashedLinks, denial_by_nsec3, hashed_links
from securemail.discovery.inspection import Inspection
from securemail.revocation import CertStatus
from securemail.testing import AtStep, CertificateAuthority, Delay, Fault, NameServer
from securemail.testing.dns.authority import Authority
from securemail.testing.dns.zone import make_zone
from tests.discovery.worlds import NOW, answers, changing, find, question
from tests.faults.clock import JumpingLoop, run
from tests.faults.scenes import SCENES
from tests.faults.sweep import Ending, honest, sweep
from tests.setup.test_autoconfig import FILE, HOST, PLAIN_PATH, asked, web
from tests.setup.web import moved, reply
from tests.store.accounts import PLAIN
from tests.tls.staples import Signer, Staple, delegate
from tests.tls.test_staple import CHAIN, read

LETTER = b"From: a@example.org\r\nTo: user00@example.org\r\n\r\nHello.\r\n"


@pytest.mark.parametrize("more", [0, 1])
async def test_as_many_redirections_are_followed_as_the_limit_allows(more: int) -> None:
    ca = CertificateAuthority()
    async with web(ca, names=(HOST,)) as server:
        paths = [
            PLAIN_PATH,
            *(f"/{number}" for number in range(limits.AUTOCONFIG_REDIRECTS + more)),
        ]
        for here, there in itertools.pairwise(paths):
            server.replies[here] = moved(there)
        server.replies[paths[-1]] = reply(FILE)
        found = await asked(server, ca)
    assert len(server.requests) == limits.AUTOCONFIG_REDIRECTS + 1
    assert bool(found.servers) is not bool(more)


async def _submit(session: SecureSession) -> list[BaseException]:
    try:
        await session.client.submit(LETTER)
    except UnknownOutcome as exc:
        return [exc]
    return []


async def _delayed(seconds: float) -> Ending:
    scene = next(each for each in SCENES if each.service is Service.SUBMISSION)
    async with scene.server() as server:
        dialogue = await honest(server, scene, _submit)
        fault = Fault(Delay(seconds), AtStep(dialogue.used - 1))
        (ending,) = await sweep(server, scene, [fault], _submit)
    return ending


@pytest.mark.parametrize(("more", "errors"), [(-1, []), (1, [UnknownOutcome])])
def test_the_reply_to_a_message_is_waited_for_as_long_as_the_limit_says(
    more: int, errors: list[type]
) -> None:
    ending = run(_delayed(limits.DATA_REPLY_S + more), loop=JumpingLoop)
    assert [type(error) for error in ending.errors] == errors
    assert ending.seconds == pytest.approx(limits.DATA_REPLY_S + min(more, 0), abs=5)


# --- the DNS


@pytest.mark.parametrize("more", [0, 1])
async def test_an_answer_with_more_records_than_are_kept_is_asked_for_again(more: int) -> None:
    many = "".join(f"many A 127.1.0.{each}\n" for each in range(limits.DNS_CACHED_RECORDS + more))
    world = Authority.of([make_zone(".", ""), make_zone("test.", many)])
    async with NameServer(world) as server:
        resolver = Resolver([server.address], trust=DNSTrust.NONE)
        for _ in range(2):
            answer = await resolver.addresses("many.test")
            assert len(answer.records) == limits.DNS_CACHED_RECORDS + more
        assert server.asked().count("many.test. IN A") == 1
        assert resolver._lookups is not None
        assert len(resolver._lookups._found) == 2 - more


def _links(inspection: Inspection) -> HashedLinks:
    message = answers(question("nope.nsec3.test A"))
    records = [
        (rrset.name, record)
        for rrset in message.authority
        if rrset.rdtype == NSEC3
        for record in rrset
    ]
    links = hashed_links(dns.name.from_text("nsec3.test."), records, inspection)
    assert links is not None
    return links


def test_a_look_up_hashes_as_often_as_the_limit_allows_and_not_once_more() -> None:
    inspection = Inspection(NOW)
    links = _links(inspection)
    absent = [dns.name.from_text(f"{'a.' * more}nope.nsec3.test.") for more in range(3)]
    while inspection.hashes > 8:
        denial_by_nsec3(absent[0], A, links)
    denial_by_nsec3(absent[1], A, links)
    while inspection.hashes:
        links.match(absent[0])
    with pytest.raises(DiscoveryError, match=f"more than {limits.DNS_HASHES} hashes"):
        links.match(absent[0])


class _Deaf(asyncio.DatagramProtocol):
    """A resolver that answers from the `answered`th question on."""

    def __init__(self, answered: int) -> None:
        self.heard = 0
        self._answered = answered
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # always a datagram transport
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard += 1
        if self.heard >= self._answered:
            reply = dns.message.make_response(dns.message.from_wire(data))
            self._transport.sendto(reply.to_wire(), addr)  # type: ignore[arg-type]  # what came from there


@pytest.mark.parametrize("more", [0, 1])
def test_a_resolver_is_asked_as_often_as_the_limit_says(more: int) -> None:
    async def asking() -> None:
        loop = asyncio.get_running_loop()
        transport, deaf = await loop.create_datagram_endpoint(
            lambda: _Deaf(limits.DNS_ROUNDS + more), local_addr=("127.0.0.1", 0)
        )
        upstream = Upstream((transport.get_extra_info("sockname"),))
        begun = loop.time()
        try:
            if more:
                with pytest.raises(DiscoveryError) as caught:
                    await upstream.ask(question("mail.nsec.test A"))
                assert caught.value.reason is DiscoveryReason.TIMEOUT
            else:
                await upstream.ask(question("mail.nsec.test A"))
        finally:
            transport.abort()
        assert deaf.heard == limits.DNS_ROUNDS
        waits = limits.DNS_ROUNDS - 1 + more
        assert loop.time() - begun == pytest.approx(waits * limits.DNS_TRY_S, abs=1)

    run(asking(), loop=JumpingLoop)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_no_answer_is_kept_for_longer_than_the_limit(more: int) -> None:
    def long_lived(message: dns.message.Message) -> None:
        for rrset in message.answer:
            rrset.ttl = limits.DNS_TTL_S + more

    answer = changing("mail.unsigned.test A", long_lived)
    assert find("mail.unsigned.test.", answer=answer).ttl_s == limits.DNS_TTL_S + min(more, 0)
    message = answer(question("mail.unsigned.test A"))
    message.authority.clear()
    assert _ttl(message) == limits.DNS_TTL_S + min(more, 0)


# --- the rest


@pytest.mark.parametrize("more", [0, 1])
def test_the_signer_of_a_staple_is_looked_for_among_the_first_certificates(more: int) -> None:
    signer = delegate()
    others = [CHAIN.certificates[0]] * (limits.STAPLE_CERTIFICATES - 1 + more)
    shown = Signer(signer.certificate, signer.key, [*others, signer.certificate])
    status = read(Staple().about(CHAIN, shown))
    assert status.cert_status is (CertStatus.UNUSABLE if more else CertStatus.GOOD)
    assert ("nobody knows whom" in status.detail) is bool(more)


async def test_the_store_waits_for_another_program_as_long_as_the_limit_says(
    tmp_path: Path,
) -> None:
    path = tmp_path / "accounts.sqlite"
    async with AccountStore(path) as store:
        connection, thread = store._connection, store._thread
        assert connection is not None
        assert thread is not None
        waits_ms = await thread.run(lambda: connection.execute("PRAGMA busy_timeout").fetchone())
        assert waits_ms == (limits.STORE_BUSY_S * 1000,)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            adding = asyncio.create_task(store.add(PLAIN))
            await asyncio.sleep(0)
            other.execute("COMMIT")
        await adding
        await thread.run(lambda: connection.execute("PRAGMA busy_timeout = 1"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError) as caught:
                await store.add(PLAIN)
        assert caught.value.reason is StoreReason.BUSY
