"""POP3 against a real Dovecot."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    ClientCertificate,
    CommandError,
    ConnectError,
    Endpoint,
    LimitExceeded,
    Password,
    Phase,
    ResponseCode,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
    connect_imap,
    connect_pop3,
    limits,
)
from securemail.transports.listing import UniqueID
from tests.servers import dovecot_files
from tests.servers.dovecot import DovecotWorld

pytestmark = pytest.mark.dovecot

BOTH = pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
ODD = b"Subject: odd\r\n\r\n.\r\n..\r\n...\r\n.one\r\n\xe4\xff\x80\r\nlast"
BIG = 30 * 1000 * 1000
# What is read at once, and the TLS record that it completes.
BUFFER = (64 + 16) * 1024


def account(world: DovecotWorld, tls: TLSMode, **fields: Any) -> Account:
    port = world.pop3s_port if tls is TLSMode.IMPLICIT else world.pop3_port
    imaps = Endpoint(world.host, world.imaps_port, TLSMode.IMPLICIT, addresses=[world.address])
    fields.setdefault("credentials", Password("alice", world.passwords["alice"]))
    return Account(
        "alice@example.test",
        imap=imaps,
        pop3=Endpoint(world.host, port, tls, addresses=[world.address]),
        trust=TrustStore.from_pem(world.ca_pem),
        **fields,
    )


def message(number: int, size: int = 0) -> bytes:
    head = b"Subject: message %d\r\nFrom: bob@example.test\r\n\r\n" % number
    return head + (b"." * 76 + b"\r\n") * (size // 78)


def deliver_all(world: DovecotWorld, messages: list[bytes]) -> None:
    """Put them into the INBOX in this order: Dovecot sorts new mail by its file names."""
    new = world.directory / "mail" / "alice" / "Maildir" / "new"
    for number, text in enumerate(messages):
        path = new / f"{number:010d}"
        path.write_bytes(text)
        os.chown(path, *dovecot_files.mail_owner())


@BOTH
async def test_a_password_logs_in(dovecot_world: DovecotWorld, tls: TLSMode) -> None:
    async with connect_pop3(account(dovecot_world, tls)) as session:
        assert session.authenticated_by == "SCRAM-SHA-256"
        assert session.phase is Phase.AUTHENTICATED
        assert {"TOP", "UIDL", "PIPELINING", "RESP-CODES"} <= session.capabilities
        assert session.confidentiality.indicator.is_locked
        assert (await session.client.stat()).messages == 0


@BOTH
async def test_a_client_certificate_logs_in_by_external(
    dovecot_world: DovecotWorld, tls: TLSMode
) -> None:
    certificate = ClientCertificate.from_pem(dovecot_world.client_pem["alice"])
    mine = account(dovecot_world, tls, credentials=None, client_certificate=certificate)
    async with connect_pop3(mine) as session:
        assert session.authenticated_by == "EXTERNAL"
        assert session.confidentiality.client_certificate_sent


@BOTH
async def test_user_and_pass_log_in(dovecot_world: DovecotWorld, tls: TLSMode) -> None:
    password = Password("alice", dovecot_world.passwords["alice"], mechanisms=["LOGIN"])
    async with connect_pop3(account(dovecot_world, tls, credentials=password)) as session:
        assert session.authenticated_by in {"LOGIN command", "LOGIN"}


async def test_apop_logs_in_with_the_timestamp_that_came_inside_tls(
    dovecot_world: DovecotWorld,
) -> None:
    password = Password("alice", dovecot_world.passwords["alice"], mechanisms=["APOP"])
    mine = account(dovecot_world, TLSMode.IMPLICIT, credentials=password)
    async with connect_pop3(mine) as session:
        assert session.authenticated_by == "APOP"
    mine = account(dovecot_world, TLSMode.STARTTLS, credentials=password)
    with pytest.raises(AuthenticationError, match="APOP: not offered"):
        await connect_pop3(mine)


async def test_a_password_too_long_for_an_initial_response_is_asked_for(
    dovecot_world: DovecotWorld,
) -> None:
    long = Password("alice", "x" * 300, mechanisms=["PLAIN"])
    mine = account(dovecot_world, TLSMode.IMPLICIT, credentials=long)
    with pytest.raises(AuthenticationError) as caught:
        await connect_pop3(mine)
    assert caught.value.attempts[-1].code is ResponseCode.AUTH


@BOTH
async def test_a_wrong_password_is_refused_with_its_reason(
    dovecot_world: DovecotWorld, tls: TLSMode
) -> None:
    mine = account(dovecot_world, tls, credentials=Password("alice", "wrong"))
    with pytest.raises(AuthenticationError) as caught:
        await connect_pop3(mine)
    assert ResponseCode.AUTH in {attempt.code for attempt in caught.value.attempts}


@pytest.mark.full  # Dovecot waits ten seconds for the lock
async def test_a_mailbox_that_another_session_has_is_in_use(dovecot_world: DovecotWorld) -> None:
    mine = account(dovecot_world, TLSMode.IMPLICIT)
    async with connect_pop3(mine):
        with pytest.raises(AuthenticationError) as caught:
            await connect_pop3(mine)
    assert ResponseCode.IN_USE in {attempt.code for attempt in caught.value.attempts}


async def test_capabilities_differ_before_and_inside_tls(dovecot_world: DovecotWorld) -> None:
    mine = account(dovecot_world, TLSMode.STARTTLS)
    session = await SecureSession.open(mine, Service.POP3)
    before = await session.discover()
    await session.starttls()
    inside = await session.discover()
    await session.aclose()
    assert "STLS" in before
    assert "USER" not in before
    assert "STLS" not in inside
    assert "USER" in inside


async def test_dots_and_octets_come_as_they_are_and_the_commands_agree(
    own_dovecot: DovecotWorld,
) -> None:
    deliver_all(own_dovecot, [ODD, message(2)])
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        client = session.client
        whole = ODD + b"\r\n"
        assert await client.retr(1) == whole
        assert b"".join([piece async for piece in client.retr_stream(1)]) == whole
        assert [text async for text in client.retr_many([2, 1])] == [message(2), whole]
        assert await client.top(1, 1) == b"Subject: odd\r\n\r\n.\r\n"
        sizes, ids = await client.list(), await client.uidl()
        assert [size.number for size in sizes] == [1, 2]
        assert (await client.stat()).octets == sum(size.octets for size in sizes)
        assert await client.list(2) == sizes[1]
        assert await client.uidl(2) == ids[1]
        assert isinstance(ids[0], UniqueID)
        with pytest.raises(CommandError):
            await client.retr(3)
        await client.noop()


async def test_only_quit_deletes(own_dovecot: DovecotWorld) -> None:
    deliver_all(own_dovecot, [message(1), message(2)])
    mine = account(own_dovecot, TLSMode.STARTTLS)
    async with connect_pop3(mine) as session:
        await session.client.dele(1)
    session = await connect_pop3(mine)
    assert (await session.client.stat()).messages == 2
    await session.client.dele(1)
    await session.client.rset()
    await session.client.dele(2)
    await session.client.quit()
    await session.aclose()
    async with connect_imap(mine) as imap:
        assert b"1 EXISTS" in (await imap.client.select("INBOX")).lines


async def test_1000_messages_come_pipelined(own_dovecot: DovecotWorld) -> None:
    messages = [message(number, 20 * 1024) for number in range(1000)]
    deliver_all(own_dovecot, messages)
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        got = [text async for text in session.client.retr_many(range(1, 1001))]
    assert got == messages


async def test_1000_messages_are_deleted_as_they_come(own_dovecot: DovecotWorld) -> None:
    deliver_all(own_dovecot, [message(number) for number in range(1000)])
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        number = 0
        async for _ in session.client.retr_many(range(1, 1001)):
            number += 1
            await session.client.dele(number)
        await session.client.quit()
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        assert (await session.client.stat()).messages == 0


async def test_a_message_of_30_megabytes_streams_in_bounded_memory(
    own_dovecot: DovecotWorld,
) -> None:
    size = len(message(1, BIG))
    deliver_all(own_dovecot, [message(1, BIG)])
    async with connect_pop3(account(own_dovecot, TLSMode.STARTTLS)) as session:
        await session.client.noop()
        tracemalloc.start()
        try:
            got = most = 0
            async with aclosing(session.client.retr_stream(1)) as pieces:
                async for piece in pieces:
                    got += len(piece)
                    most = max(most, len(piece))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert got == size
    assert most <= BUFFER
    assert peak < 2 * 1024 * 1024


async def test_a_program_that_does_not_read_stops_the_server(own_dovecot: DovecotWorld) -> None:
    deliver_all(own_dovecot, [message(1, BIG)])
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        async with aclosing(session.client.retr_stream(1)) as pieces:
            await anext(pieces)
            for _ in range(1000):
                await asyncio.sleep(0)
            assert session.client._pipeline._sent[0].size <= 2 * BUFFER
        assert (await session.client.stat()).messages == 1


async def test_a_message_above_the_limit_is_refused(
    own_dovecot: DovecotWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LITERAL_BYTES", 1_000_000)
    deliver_all(own_dovecot, [message(1, 2_000_000)])
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        with pytest.raises(LimitExceeded):
            await session.client.retr(1)


async def drained(pieces: AsyncIterator[bytes]) -> int:
    return sum([len(piece) async for piece in pieces])


@pytest.mark.parametrize("whole", [True, False])
async def test_a_server_that_is_killed_in_a_message_is_an_error(
    own_dovecot: DovecotWorld, whole: bool
) -> None:
    deliver_all(own_dovecot, [message(1, BIG)])
    async with connect_pop3(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        client = session.client
        if whole:
            task = asyncio.ensure_future(client.retr(1))
            while not client._pipeline._held:  # noqa: ASYNC110 - nobody else tells
                await asyncio.sleep(0)
            own_dovecot.kill()
            with pytest.raises(ConnectError):
                await task
        else:
            async with aclosing(client.retr_stream(1)) as pieces:
                await anext(pieces)
                own_dovecot.kill()
                with pytest.raises(ConnectError):
                    await drained(pieces)
        with pytest.raises(ConnectError):
            await client.noop()


async def test_a_session_process_that_is_killed_is_noticed(own_dovecot: DovecotWorld) -> None:
    async with connect_pop3(account(own_dovecot, TLSMode.STARTTLS)) as session:
        assert own_dovecot.kill_sessions("alice") == 1
        with pytest.raises(ConnectError):
            await session.client.noop()
