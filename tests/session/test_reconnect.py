"""A server seen before: what goes in one flight with the login, and what if it has changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from securemail import (
    AuthenticationError,
    ConnectError,
    OAuthToken,
    Password,
    PolicyError,
    SecureSession,
    Service,
    TLSMode,
)
from securemail.testing import (
    AwaitHello,
    CertificateAuthority,
    Expect,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)
from tests.session import scripts
from tests.session.pop3_scripts import (
    BEGIN,
    CAPA,
    GREETING,
    HANG,
    IMPLICIT,
    LISTED,
    PLAIN,
    REFUSED,
    STLS,
    UPGRADED,
    WELCOME,
    account,
    listed,
)
from tests.session.scripts import HOST
from tests.values import no_minimum

FIRST = {TLSMode.IMPLICIT: (*IMPLICIT, *HANG), TLSMode.STARTTLS: (*UPGRADED, *HANG)}
OPENING: dict[TLSMode, tuple[Step, ...]] = {
    TLSMode.IMPLICIT: (StartTLS(), GREETING),
    TLSMode.STARTTLS: (GREETING, STLS, BEGIN, StartTLS()),
}
MORE = listed(b"TOP", b"UIDL", b"PIPELINING", b"SASL PLAIN EXTERNAL", b"UTF8")
LESS = listed(b"PIPELINING", b"SASL EXTERNAL")
SLOW = listed(b"SASL PLAIN")
EITHER = pytest.mark.parametrize("tls", FIRST, ids=["implicit", "starttls"])
ONLY_CAPA = b"CAPA\r\n"
DROPPED: tuple[Step, ...] = (AwaitHello(),)


async def connect(
    server: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, **fields: Any
) -> str:
    mine = account(server, ca, tls, **fields)
    session: SecureSession = await SecureSession.connect(mine, Service.POP3)
    session.abort()
    await server.finished.wait()
    assert session.authenticated_by is not None
    return session.authenticated_by


def play(server: ScriptedServer, *steps: Step) -> None:
    """Have the connections from now on go like this."""
    server._script = steps  # type: ignore[misc]  # final, but for us


class InTurn:
    """A script for each connection, one after the other."""

    def __init__(self, *scripts: tuple[Step, ...]) -> None:
        self._scripts = iter(scripts)

    def __iter__(self) -> Iterator[Step]:
        return iter(next(self._scripts))


def play_in_turn(server: ScriptedServer, *scripts: tuple[Step, ...]) -> None:
    """Have each connection from now on go its own way."""
    server._script = InTurn(*scripts)  # type: ignore[misc,assignment]  # as in `play`


@EITHER
async def test_the_login_does_not_wait_for_the_capabilities(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        # Nothing is answered before both were read.
        play(server, *OPENING[tls], CAPA, PLAIN, LISTED, WELCOME, *HANG)
        assert await connect(server, ca, tls) == "PLAIN"
        assert server.problem is None
        assert server.connections == 2


async def test_a_login_that_is_refused_is_not_tried_again(ca: CertificateAuthority) -> None:
    tls = TLSMode.IMPLICIT
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, PLAIN, LISTED, REFUSED, *HANG)
        with pytest.raises(AuthenticationError):
            await connect(server, ca, tls)
        assert server.transcripts[1].plaintext.count(b"AUTH") == 1
        assert server.connections == 2


@EITHER
async def test_a_server_that_lists_something_else_is_connected_to_anew_and_nothing_assumed(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, MORE, PLAIN, WELCOME, *HANG)
        assert await connect(server, ca, tls) == "PLAIN"
        assert server.connections == 3
        # Barred: what changes each time would cost two connections each time.
        play(server, *OPENING[tls], CAPA, LISTED, PLAIN, WELCOME, *HANG)
        await connect(server, ca, tls)
        assert server.connections == 4


@EITHER
async def test_a_mechanism_that_is_gone_is_not_used_after_the_server_has_said_so(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, LESS, *HANG)
        with pytest.raises(AuthenticationError):
            await connect(server, ca, tls)
        assert server.connections == 3
        assert server.transcripts[2].plaintext == ONLY_CAPA


async def test_what_the_login_came_to_does_not_count_when_the_capabilities_differ(
    ca: CertificateAuthority,
) -> None:
    tls = TLSMode.IMPLICIT
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, Send(LESS.data + b"+OK logged in\r\n"), *HANG)
        with pytest.raises(AuthenticationError):
            await connect(server, ca, tls)
        assert server.connections == 3


async def refuses_to_assume(
    server: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, **fields: Any
) -> None:
    """Connect to a server that hangs up at CAPA: a password must not have been behind it."""
    with pytest.raises(ConnectError):
        await connect(server, ca, tls, **fields)
    assert server.transcripts[-1].plaintext == ONLY_CAPA


@EITHER
async def test_another_certificate_of_the_server_is_another_server(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        renewed = StartTLS(ca.server_context(HOST))
        opening = {
            TLSMode.IMPLICIT: (renewed, GREETING),
            TLSMode.STARTTLS: (GREETING, STLS, BEGIN, renewed),
        }
        play(server, *opening[tls], CAPA)
        await refuses_to_assume(server, ca, tls)


@EITHER
async def test_another_account_learns_for_itself(tls: TLSMode, ca: CertificateAuthority) -> None:
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA)
        await refuses_to_assume(server, ca, tls, credentials=Password("bob", "secret"))


@EITHER
async def test_without_a_minimum_nothing_is_assumed(tls: TLSMode, ca: CertificateAuthority) -> None:
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls, policy=no_minimum())
        play(server, *OPENING[tls], CAPA)
        await refuses_to_assume(server, ca, tls, policy=no_minimum())


async def test_a_server_that_cannot_take_two_commands_gets_one(ca: CertificateAuthority) -> None:
    tls = TLSMode.IMPLICIT
    script = (*OPENING[tls], CAPA, SLOW, PLAIN, WELCOME, *HANG)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA)
        await refuses_to_assume(server, ca, tls)


async def test_what_is_said_in_cleartext_is_never_assumed(ca: CertificateAuthority) -> None:
    script = (GREETING, CAPA, LISTED, STLS, BEGIN, StartTLS(), CAPA, LESS)
    async with ScriptedServer(script, context=ca.server_context(HOST)) as server:
        mine = account(server, ca, TLSMode.STARTTLS)
        for _ in range(2):
            session: SecureSession = await SecureSession.open(mine, Service.POP3)
            await session.discover()
            await session.starttls()
            with pytest.raises(AuthenticationError):
                await session.authenticate()
        assert server.plaintext == 2 * ONLY_CAPA


async def test_the_second_connection_is_held_to_the_minimum_too(ca: CertificateAuthority) -> None:
    tls = TLSMode.STARTTLS
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, MORE, *HANG)
        mine = account(server, ca, tls)
        session: SecureSession = await SecureSession.open(mine, Service.POP3)
        await session.starttls()
        play(server, GREETING, STLS, Send(b"-ERR no TLS today\r\n"), *HANG)
        with pytest.raises(PolicyError):
            await session.authenticate()
        assert server.transcripts[2].cleartext == b"STLS\r\n"


async def test_on_the_second_connection_nothing_is_assumed_whatever_else_is_remembered(
    ca: CertificateAuthority,
) -> None:
    tls = TLSMode.IMPLICIT
    changed = (*OPENING[tls], CAPA, MORE)
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        # Without the hybrid group the contexts, and what is remembered with them, are others.
        play_in_turn(server, DROPPED, FIRST[tls], FIRST[tls])
        await connect(server, ca, tls)
        await connect(server, ca, tls)
        # The first of those that are dropped has tried to resume, the second has not.
        play_in_turn(server, changed, DROPPED, DROPPED, (*changed, PLAIN, WELCOME, *HANG))
        assert await connect(server, ca, tls) == "PLAIN"


async def test_after_two_commands_at_once_that_failed_it_gets_one(
    ca: CertificateAuthority,
) -> None:
    tls = TLSMode.IMPLICIT
    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, PLAIN)
        with pytest.raises(ConnectError):
            await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA)
        await refuses_to_assume(server, ca, tls)


async def test_a_server_is_asked_before_an_account_that_has_changed_is_told_that_it_cannot_log_in(
    ca: CertificateAuthority,
) -> None:
    tls = TLSMode.IMPLICIT
    both = listed(b"PIPELINING", b"SASL PLAIN XOAUTH2")

    async def fetch() -> str:
        return "token"

    async with ScriptedServer(FIRST[tls], context=ca.server_context(HOST)) as server:
        await connect(server, ca, tls)
        play(server, *OPENING[tls], CAPA, both, Expect(rb"AUTH XOAUTH2 \S+"), WELCOME, *HANG)
        token = OAuthToken("alice", fetch)
        assert await connect(server, ca, tls, credentials=token) == "XOAUTH2"
        assert server.transcripts[1].plaintext == ONLY_CAPA


async def test_imap_has_both_in_one_flight_as_well(ca: CertificateAuthority) -> None:
    async with ScriptedServer(
        (*scripts.UPGRADED, *HANG), context=ca.server_context(HOST)
    ) as server:
        mine = scripts.account(server, ca, TLSMode.STARTTLS)
        for _ in range(2):
            session: SecureSession = await SecureSession.connect(mine, Service.IMAP)
            session.abort()
            await server.finished.wait()
        play(server, *scripts.UPGRADED[:4], scripts.CAPABILITY, scripts.PLAIN)
        with pytest.raises(ConnectError):
            await SecureSession.connect(mine, Service.IMAP)
        assert server.problem is None  # it has read both, and answered neither
