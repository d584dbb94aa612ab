"""A session that has ended goes with the last name for it, and does not wait for the collector.

A full pass of the collector over 2,000 sessions stops the event loop for 70 ms and more.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    CertificateError,
    Connected,
    ConnectError,
    DeadlineError,
    Lost,
    Password,
    SecureMailError,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
    connect_imap,
    watch,
)
from securemail.aio.route import endpoint_of
from securemail.events import ConnectStarted, Dialled, Event, Observer
from securemail.session import SecureSession
from securemail.testing import (
    CertificateAuthority,
    Close,
    Expect,
    MailServer,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session.scripts import HOST, PLAIN, account

# The server is in this process, too, and has classes of its own.
_OURS = ("securemail", "OpenSSL", "aioimaplib", "aiosmtplib")
_MESSAGE = b"From: a@example.org\r\nTo: b@example.org\r\n\r\nHello.\r\n"


def _observer(_event: Event) -> None:
    """Be told: the reporter holds the transport then, and the transport the reporter."""


class World:
    """A server, and an account on it for each service."""

    def __init__(self, server: MailServer, service: Service, tls: TLSMode) -> None:
        self.server, self.service = server, service
        self.timeouts = Timeouts()
        self.account = Account(
            "alice@example.org",
            imap=server.endpoint(tls),
            pop3=server.endpoint(tls, Service.POP3),
            submission=server.endpoint(tls, Service.SUBMISSION),
            credentials=Password("alice", "secret"),
            trust=TrustStore.from_pem(server.ca.pem),
        )

    async def connect(self, observer: Observer = _observer) -> SecureSession:
        return await SecureSession.connect(
            self.account, self.service, timeouts=self.timeouts, observer=observer
        )

    async def fails(self, kind: type[SecureMailError]) -> None:
        with pytest.raises(kind):
            await self.connect()

    async def is_cancelled_at(self, kind: type[Event]) -> None:
        def observe(event: Event) -> None:
            # Not the task by its name: the session would hold it, and it holds the session.
            if isinstance(event, kind) and (task := asyncio.current_task()):
                task.cancel()

        connecting = asyncio.ensure_future(self.connect(observe))
        await asyncio.wait([connecting])
        assert connecting.cancelled()


@pytest.fixture(params=Service, ids=lambda service: service.value)
async def world(request: pytest.FixtureRequest, ca: CertificateAuthority) -> AsyncIterator[World]:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", _MESSAGE)
        yield World(server, request.param, TLSMode.IMPLICIT)


@contextlib.contextmanager
def nothing_for_the_collector() -> Iterator[None]:
    """Fail where the collector would find anything of ours that was made inside."""
    gc.freeze()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = {type(each) for each in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()
    names = sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
    ours = [name for name in names if name.startswith(_OURS)]
    assert not [name for name in ours if not name.startswith("securemail.testing")]


async def _lost(session: SecureSession) -> None:
    """Return when the session knows that there is no line any more."""
    await session._transport.wait_closed()


async def closed(world: World) -> None:
    session = await world.connect()
    await session.aclose()


async def aborted(world: World) -> None:
    session = await world.connect()
    session.abort()
    await _lost(session)


async def cut(world: World) -> None:
    session = await world.connect()
    world.server.stop()
    await _lost(session)


async def cut_while_it_waits(world: World) -> None:
    session = await world.connect()
    match world.service:
        case Service.IMAP:
            asking = asyncio.ensure_future(session.client.select())
        case Service.POP3:
            asking = asyncio.ensure_future(session.client.retr(1))
        case Service.SUBMISSION:
            asking = asyncio.ensure_future(session.client.submit(_MESSAGE))
    await asyncio.sleep(0)  # it asks, and the server had no turn yet
    world.server.stop()
    await asyncio.wait([asking])
    assert isinstance(asking.exception(), SecureMailError)


async def cut_while_it_is_watched(world: World) -> None:
    if world.service is Service.SUBMISSION:
        return
    watched = world.account
    if world.service is Service.POP3:
        watched = replace(watched, imap=None)
    async with watch(watched) as events:
        assert isinstance(await anext(events), Connected)
        world.server.stop()
        if world.service is Service.IMAP:
            assert isinstance(await anext(events), Lost)


async def cancelled_while_it_dials(world: World) -> None:
    await world.is_cancelled_at(ConnectStarted)


async def cancelled_in_the_handshake(world: World) -> None:
    await world.is_cancelled_at(Dialled)


async def refused_by_us(world: World) -> None:
    stranger = TrustStore.from_pem(CertificateAuthority().pem)
    world.account = replace(world.account, trust=stranger)
    await world.fails(CertificateError)


async def refused_for_its_name(world: World) -> None:
    for service in Service:
        elsewhere = replace(endpoint_of(world.account, service), host="other.example.org")
        fields: dict[str, Any] = {service.name.lower(): elsewhere}
        world.account = replace(world.account, **fields)
    await world.fails(CertificateError)


async def refused_by_the_server(world: World) -> None:
    world.account = replace(world.account, credentials=Password("alice", "wrong"))
    await world.fails(AuthenticationError)


async def refused_by_the_system(world: World) -> None:
    world.server.stop()
    await world.fails(ConnectError)


async def too_late(world: World) -> None:
    world.timeouts = Timeouts(tls=1e-6)
    await world.fails(DeadlineError)


@pytest.mark.parametrize(
    "end",
    [
        closed,
        aborted,
        cut,
        cut_while_it_waits,
        cut_while_it_is_watched,
        cancelled_while_it_dials,
        cancelled_in_the_handshake,
        refused_by_us,
        refused_for_its_name,
        refused_by_the_server,
        refused_by_the_system,
        too_late,
    ],
    ids=lambda end: end.__name__,
)
async def test_a_session_that_has_ended_leaves_nothing_to_the_collector(
    end: Callable[[World], Awaitable[None]], world: World
) -> None:
    with nothing_for_the_collector():
        await end(world)
        await asyncio.sleep(0)  # its own task's last step


async def _play(ca: CertificateAuthority, *steps: Step) -> None:
    """Connect to a server that plays these steps, and wait for the end."""
    script = (StartTLS(), *steps)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.IMPLICIT)
        with contextlib.suppress(ConnectError):
            await _lost(await connect_imap(mine, observer=_observer, compress=True))


async def test_a_compressed_session_leaves_nothing(ca: CertificateAuthority) -> None:
    offer = b" OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN COMPRESS=DEFLATE] hi\r\n"
    compress = Expect(rb"\w+ COMPRESS DEFLATE")
    with nothing_for_the_collector():
        await _play(
            ca,
            Send(b"*" + offer),
            PLAIN,
            Send(b"{tag}" + offer),
            compress,
            Send(b"{tag} OK begin\r\n\x02"),  # the first octet of something compressed
            Close(),
        )


async def test_a_server_that_says_goodbye_first_leaves_nothing(ca: CertificateAuthority) -> None:
    with nothing_for_the_collector():
        await _play(ca, Send(b"* BYE not today\r\n"), Close())
