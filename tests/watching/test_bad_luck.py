"""Servers that stall, throttle or say goodbye; networks and clocks that do as they like."""

from __future__ import annotations

import time

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ConnectError,
    DeadlineError,
    Endpoint,
    Password,
    ProtocolError,
    Resolver,
    SecureMailError,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.aio.resolver_lookup import DNSTrust
from securemail.reconnect import Backoff
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from securemail.uids import UIDSet
from securemail.watching import Connected, Lost, MailboxChanged, Rhythm
from tests.session.scripts import HOST, IMPLICIT
from tests.watching.worlds import SOON, Relay, account, until, watching

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"
OPENED = (
    Expect(rb'\w+ EXAMINE "INBOX"'),
    Send(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n{tag} OK x\r\n"),
    Expect(rb"\w+ UID SEARCH ALL"),
    Send(b"* SEARCH\r\n{tag} OK x\r\n"),
)
IDLING = (*IMPLICIT, *OPENED, Expect(rb"\w+ IDLE"), Send(b"+ idling\r\n"))


def scripted(server: ScriptedServer, ca: CertificateAuthority) -> Account:
    where = Endpoint(HOST, server.port, TLSMode.IMPLICIT, addresses=[server.address])
    return Account(
        "alice@example.org",
        imap=where,
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(ca.pem),
    )


def relayed(server: MailServer, relay: Relay) -> Account:
    where = server.endpoint(TLSMode.IMPLICIT)
    there = Endpoint(where.host, relay.endpoint_port, where.tls, addresses=where.addresses)
    return account(server, imap=there)


@pytest.mark.parametrize(
    ("steps", "kind", "words"),
    [
        ((Send(b"* BYE going down\r\n"), Close()), ConnectError, "going down"),
        ((Send(b"* BYE going down\r\n"), Hang()), ConnectError, "going down"),
        ((Close(),), ConnectError, ""),
        ((Send(b"* 1 EXPUNGE\r\n"), Expect(rb"DONE"), Send(b"{tag} OK x\r\n"), Hang()),
         ProtocolError, "expunged message 1 of 0"),
        ((Send(b"* VANISHED x\r\n"), Expect(rb"DONE"), Send(b"{tag} OK x\r\n"), Hang()),
         ProtocolError, "VANISHED"),
        ((Send(b"XX OK what\r\n"), Hang()), ProtocolError, ""),
    ],
)  # fmt: skip
async def test_an_idle_that_goes_wrong_is_a_lost_session_and_the_watch_goes_on(
    steps: tuple[Step, ...], kind: type[SecureMailError], words: str, ca: CertificateAuthority
) -> None:
    script = (*IDLING, *steps)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with watching(scripted(server, ca)) as events:
            for _ in range(2):
                await until(events, Connected)
                lost = await until(events, Lost)
                assert isinstance(lost.error, kind)
                assert words in str(lost.error)
        assert server.connections >= 2


async def test_a_server_that_does_not_answer_to_done_is_noticed(ca: CertificateAuthority) -> None:
    script = (*IDLING, Expect(rb"DONE"), Hang())
    rhythm = Rhythm(idle=0.01, backoff=Backoff(base=0.001, ceiling=0.01))
    async with (
        ScriptedServer(script, context=ca.server_context(HOST)) as server,
        watching(scripted(server, ca), rhythm=rhythm, timeouts=Timeouts(command=1.0)) as events,
    ):
        await until(events, Connected)
        assert isinstance((await until(events, Lost)).error, DeadlineError | ConnectError)
        await until(events, Connected)


async def test_a_line_that_is_half_open_is_noticed_and_nothing_is_missed(
    server: MailServer,
) -> None:
    rhythm = Rhythm(idle=0.01, backoff=Backoff(base=0.001, ceiling=0.01))
    async with Relay(server.port()) as relay:
        mine = relayed(server, relay)
        async with watching(mine, rhythm=rhythm, timeouts=Timeouts(command=1.0)) as events:
            await until(events, Connected)
            relay.is_cut = True
            server.store.deliver("alice", MESSAGE)
            await until(events, Lost)
            relay.is_cut = False
            assert (await until(events, MailboxChanged)).new == UIDSet.of([1])


async def test_a_server_that_is_away_is_tried_until_it_is_back(server: MailServer) -> None:
    async with Relay(server.port()) as relay, watching(relayed(server, relay)) as events:
        await until(events, Connected)
        relay.port = None
        relay.drop()
        for _ in range(5):
            assert isinstance((await until(events, Lost)).error, ConnectError)
        server.store.deliver("alice", MESSAGE)
        relay.port = server.port()
        assert (await until(events, MailboxChanged)).new == UIDSet.of([1])


@pytest.mark.parametrize("code", [b"UNAVAILABLE", b"LIMIT", b"INUSE"])
async def test_a_server_that_throttles_is_tried_again(
    code: bytes, ca: CertificateAuthority
) -> None:
    script = (
        StartTLS(),
        Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n"),
        Expect(rb"\w+ AUTHENTICATE PLAIN \S+"),
        Send(b"{tag} NO [%b] later\r\n" % code),
        Hang(),
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with watching(scripted(server, ca)) as events:
            for _ in range(3):
                assert isinstance((await until(events, Lost)).error, AuthenticationError)
        assert server.connections >= 3


async def test_a_greeting_that_is_a_goodbye_is_tried_again(ca: CertificateAuthority) -> None:
    script = (StartTLS(), Send(b"* BYE too many connections\r\n"), Close())
    async with (
        ScriptedServer(script, context=ca.server_context(HOST)) as server,
        watching(scripted(server, ca)) as events,
    ):
        for _ in range(3):
            assert "too many connections" in str((await until(events, Lost)).error)


async def test_a_name_that_cannot_be_looked_up_is_tried_again(ca: CertificateAuthority) -> None:
    # Nobody listens on the port of another service's name server: each try is refused at once.
    resolver = Resolver(servers=[("127.0.0.1", 9)], trust=DNSTrust.NONE)
    mine = Account(
        "alice@example.org",
        imap=Endpoint("mail.example.org", 993, TLSMode.IMPLICIT),
        credentials=Password("alice", "secret"),
    )
    async with watching(mine, resolver=resolver) as events:
        for _ in range(2):
            lost = await until(events, Lost)
            assert "cannot look up mail.example.org" in str(lost.error)
            assert lost.cursor is None


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
async def test_a_clock_that_jumps_changes_nothing(
    jump_s: int, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(account(server)) as events:
        await until(events, Connected)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump_s)
        server.kill()
        assert (await until(events, Lost)).retry_s <= SOON.backoff.ceiling
        server.store.deliver("alice", MESSAGE)
        assert (await until(events, MailboxChanged)).new == UIDSet.of([1])


async def test_what_is_said_between_two_commands_is_not_lost(ca: CertificateAuthority) -> None:
    script = (
        *IMPLICIT,
        *OPENED,
        # Behind the answer, when nobody asks anything: a client that only idles would not hear it.
        Send(b"* 1 EXISTS\r\n"),
        Expect(rb"\w+ IDLE"),
        Send(b"+ idling\r\n"),
        Expect(rb"DONE"),
        Send(b"{tag} OK x\r\n"),
        Expect(rb'\w+ EXAMINE "INBOX"'),
        Send(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\n{tag} OK x\r\n"),
        Expect(rb"\w+ UID SEARCH ALL"),
        Send(b"* SEARCH 1\r\n{tag} OK x\r\n"),
        Hang(),
    )
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        async with watching(scripted(server, ca)) as events:
            assert (await until(events, MailboxChanged)).new == UIDSet.of([1])
        assert server.problem is None
