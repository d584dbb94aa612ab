"""A program that waits for each event for a while only, and does something else in between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import pytest

from securemail import Timeouts
from securemail.reconnect import Backoff
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    MailServer,
    ScriptedServer,
    Send,
)
from securemail.uids import UIDSet
from securemail.watching import (
    Connected,
    Lost,
    MailboxChanged,
    MaildropChanged,
    Rhythm,
    Watch,
)
from tests.faults.clock import JumpingLoop, run
from tests.session.scripts import HOST, IMPLICIT
from tests.watching.test_bad_luck import OPENED, relayed, scripted
from tests.watching.worlds import Relay, pop3_account, until, watching

EventT = TypeVar("EventT")

MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"
POLL_S: Final = 120.0
RHYTHM: Final = Rhythm(poll=POLL_S, idle=240.0, backoff=Backoff(base=300, ceiling=300))
# Shorter than any of them.
PATIENCE_S: Final = 50.0

NO_IDLE = Send(b"{tag} OK [CAPABILITY IMAP4rev1] welcome\r\n")
POLLED = (
    Expect(rb"\w+ NOOP"),
    Send(b"* 1 EXISTS\r\n{tag} OK x\r\n"),
    Expect(rb"\w+ UID SEARCH UID 1:\*"),
    Send(b"* SEARCH 1\r\n{tag} OK x\r\n"),
)


def on_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    run(work, loop=JumpingLoop)


async def impatiently(events: Watch[Any, Any], kind: type[EventT]) -> tuple[EventT, float]:
    """Return the next event of that kind, and for how long it was waited for, piece by piece."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for _ in range(20):
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await until(events, kind), loop.time() - began_s
        except TimeoutError:
            continue
    raise AssertionError("it never came")


def is_soon(waited_s: float, wanted_s: float) -> bool:
    # Some of it is the time of people, on whatever machine.
    return waited_s < wanted_s + PATIENCE_S


def test_a_server_without_idle_is_polled_when_it_is_time(ca: CertificateAuthority) -> None:
    async def polled() -> None:
        script = (*IMPLICIT[:-1], NO_IDLE, *OPENED, *POLLED, Hang())
        async with (
            ScriptedServer(script, context=ca.server_context(HOST)) as server,
            watching(scripted(server, ca), rhythm=RHYTHM) as events,
        ):
            await until(events, Connected)
            change, waited_s = await impatiently(events, MailboxChanged)
            assert change.new == UIDSet.of([1])
            assert is_soon(waited_s, POLL_S)

    on_virtual_time(polled())


def test_a_line_that_is_half_open_is_noticed_when_it_is_time(ca: CertificateAuthority) -> None:
    async def noticed() -> None:
        async with (
            MailServer({"alice": "secret"}, ca=ca) as server,
            Relay(server.port()) as relay,
            watching(relayed(server, relay), rhythm=RHYTHM) as events,
        ):
            await until(events, Connected)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await anext(events)  # by now it is in its IDLE
            relay.is_cut = True
            _, waited_s = await impatiently(events, Lost)
            assert is_soon(waited_s, RHYTHM.idle + Timeouts().command)

    on_virtual_time(noticed())


def test_a_server_that_was_away_is_tried_when_the_back_off_is_over(
    ca: CertificateAuthority,
) -> None:
    async def tried() -> None:
        async with (
            MailServer({"alice": "secret"}, ca=ca) as server,
            Relay(server.port()) as relay,
            watching(relayed(server, relay), rhythm=RHYTHM) as events,
        ):
            await until(events, Connected)
            relay.drop()
            lost = await until(events, Lost)
            _, waited_s = await impatiently(events, Connected)
            assert is_soon(waited_s, lost.retry_s)

    on_virtual_time(tried())


def test_a_maildrop_is_listed_when_it_is_time(ca: CertificateAuthority) -> None:
    async def listed() -> None:
        async with (
            MailServer({"alice": "secret"}, ca=ca) as server,
            watching(pop3_account(server), rhythm=RHYTHM) as events,
        ):
            await until(events, Connected)
            server.store.deliver("alice", MESSAGE)
            change, waited_s = await impatiently(events, MaildropChanged)
            assert len(change.new) == 1
            assert is_soon(waited_s, POLL_S)

    on_virtual_time(listed())


def test_a_connect_that_is_cancelled_was_a_try(ca: CertificateAuthority) -> None:
    """Else a program with short waits would connect again and again, to a server that is slow."""

    async def tried() -> None:
        async with (
            ScriptedServer((Hang(),), context=ca.server_context(HOST)) as server,
            watching(scripted(server, ca), rhythm=RHYTHM) as events,
        ):
            for _ in range(10):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await anext(events)
            assert server.connections == 1

    on_virtual_time(tried())
