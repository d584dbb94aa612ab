"""The library against a real Dovecot."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from securemail import (
    Account,
    AuthenticationError,
    CertificateError,
    CertificateReason,
    ClientCertificate,
    ConnectError,
    Endpoint,
    Password,
    Phase,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TLSVersion,
    Trust,
    TrustStore,
    UIDValidityError,
    connect_imap,
    fetch_messages,
)
from tests.servers.dovecot import DovecotWorld

pytestmark = pytest.mark.dovecot

BOTH = pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
BIG = 20 * 1000 * 1000


def account(world: DovecotWorld, tls: TLSMode, *, host: str = "", **fields: Any) -> Account:
    port = world.imaps_port if tls is TLSMode.IMPLICIT else world.imap_port
    fields.setdefault("credentials", Password("alice", world.passwords["alice"]))
    return Account(
        "alice@example.test",
        imap=Endpoint(host or world.host, port, tls, addresses=[world.address]),
        trust=TrustStore.from_pem(world.ca_pem),
        **fields,
    )


def message(number: int) -> bytes:
    return b"Subject: message %d\r\nFrom: bob@example.test\r\n\r\nbody\r\n" % number


@BOTH
async def test_a_password_logs_in_and_the_record_tells_what_was_proved(
    dovecot_world: DovecotWorld, tls: TLSMode
) -> None:
    async with connect_imap(account(dovecot_world, tls)) as session:
        assert session.authenticated_by == "SCRAM-SHA-256"
        assert session.phase is Phase.AUTHENTICATED
        assert "IDLE" in session.capabilities
        record = session.confidentiality
        assert record.tls_version is TLSVersion.TLS_1_3
        assert record.trust is Trust.PKIX
        assert record.indicator.is_locked
        assert (await session.client.select("INBOX")).result == "OK"


@BOTH
async def test_a_client_certificate_logs_in_by_external(
    dovecot_world: DovecotWorld, tls: TLSMode
) -> None:
    mine = account(
        dovecot_world,
        tls,
        credentials=None,
        client_certificate=ClientCertificate.from_pem(dovecot_world.client_pem["alice"]),
    )
    async with connect_imap(mine) as session:
        assert session.authenticated_by == "EXTERNAL"
        assert session.confidentiality.client_certificate_sent


@BOTH
async def test_a_wrong_password_is_refused_with_the_servers_words(
    dovecot_world: DovecotWorld, tls: TLSMode
) -> None:
    with pytest.raises(AuthenticationError, match="AUTHENTICATIONFAILED") as caught:
        await connect_imap(account(dovecot_world, tls, credentials=Password("alice", "wrong")))
    assert "SCRAM-SHA-256" in [attempt.mechanism for attempt in caught.value.attempts]


async def test_a_revoked_client_certificate_is_an_authentication_error(
    dovecot_world: DovecotWorld,
) -> None:
    mine = account(
        dovecot_world,
        TLSMode.IMPLICIT,
        credentials=None,
        client_certificate=ClientCertificate.from_pem(dovecot_world.revoked_client_pem),
    )
    with pytest.raises(AuthenticationError):
        await connect_imap(mine)


@BOTH
@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("expired_host", CertificateReason.EXPIRED),
        ("self_signed_host", CertificateReason.SELF_SIGNED),
        ("wrong_name_host", CertificateReason.NAME_MISMATCH),
        ("unknown_issuer_host", CertificateReason.UNKNOWN_ISSUER),
        ("common_name_host", CertificateReason.NAME_MISMATCH),
    ],
)
async def test_a_bad_certificate_is_refused_with_its_reason(
    dovecot_world: DovecotWorld, tls: TLSMode, attribute: str, reason: CertificateReason
) -> None:
    with pytest.raises(CertificateError) as caught:
        await connect_imap(account(dovecot_world, tls, host=getattr(dovecot_world, attribute)))
    assert caught.value.reason is reason
    assert caught.value.certificate is not None


async def test_capabilities_differ_before_and_inside_tls(dovecot_world: DovecotWorld) -> None:
    session = await SecureSession.open(account(dovecot_world, TLSMode.STARTTLS), Service.IMAP)
    before = await session.discover()
    await session.starttls()
    inside = await session.discover()
    await session.aclose()
    assert "LOGINDISABLED" in before
    assert "AUTH=PLAIN" in inside
    assert "LOGINDISABLED" not in inside


async def test_the_tls_port_is_no_starttls_port_and_the_reverse(
    dovecot_world: DovecotWorld,
) -> None:
    world = dovecot_world
    for port, tls in ((world.imap_port, TLSMode.IMPLICIT), (world.imaps_port, TLSMode.STARTTLS)):
        mine = Account(
            "alice@example.test",
            imap=Endpoint(world.host, port, tls, addresses=[world.address]),
            credentials=Password("alice", "secret"),
        )
        with pytest.raises(SecureMailError):
            await connect_imap(mine, timeouts=Timeouts(greeting=0.5))


async def test_the_flags_of_2000_messages_come_in_one_answer(own_dovecot: DovecotWorld) -> None:
    for number in range(2000):
        own_dovecot.deliver("alice", message(number))
    async with connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        assert b"2000 EXISTS" in (await session.client.select("INBOX")).lines
        answer = await session.client.fetch("1:2000", "(FLAGS)")
    assert answer.result == "OK"
    rows = [line for line in answer.lines if re.match(rb"\d+ FETCH \(FLAGS \(", line)]
    assert len(rows) == 2000


async def test_a_message_of_20_megabytes_goes_both_ways(own_dovecot: DovecotWorld) -> None:
    big = message(1) + (b"x" * 76 + b"\r\n") * (BIG // 78)
    async with connect_imap(account(own_dovecot, TLSMode.STARTTLS)) as session:
        client = session.client
        await client.select("INBOX")
        assert (await client.append(big, "INBOX")).result == "OK"
        answer = await client.fetch("1", "(BODY.PEEK[])")
    literal = next(line for line in answer.lines if isinstance(line, bytearray))
    assert literal == big


async def test_an_idle_hears_of_a_delivery_by_another_session(own_dovecot: DovecotWorld) -> None:
    async with (
        connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as watcher,
        connect_imap(account(own_dovecot, TLSMode.STARTTLS)) as writer,
    ):
        await watcher.client.select("INBOX")
        idle = await watcher.client.idle_start()
        assert (await writer.client.append(message(1), "INBOX")).result == "OK"
        assert b"1 EXISTS" in await watcher.client.wait_server_push(timeout=10)
        watcher.client.idle_done()
        assert (await idle).result == "OK"


async def test_the_documented_commands_work(own_dovecot: DovecotWorld) -> None:
    for number in range(3):
        own_dovecot.deliver("alice", message(number))
    async with connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        client = session.client
        assert (await client.create("Archive")).result == "OK"
        assert (await client.select("INBOX")).result == "OK"
        assert len((await client.search("SUBJECT", '"message 1"')).lines[0].split()) == 1
        assert (await client.uid_search("ALL")).result == "OK"
        assert (await client.store("1", "+FLAGS", r"(\Deleted)")).result == "OK"
        assert (await client.uid("fetch", "2", "(UID FLAGS)")).result == "OK"
        assert (await client.copy("2", "Archive")).result == "OK"
        assert b"1 EXPUNGE" in (await client.expunge()).lines
        assert (await client.uid("move", "3", "Archive")).result == "OK"
        assert (await client.status("Archive", "(MESSAGES)")).lines[0].endswith(b"(MESSAGES 2)")
        assert (await client.list('""', "*")).result == "OK"
        assert (await client.noop()).result == "OK"
        assert (await client.close()).result == "OK"
        assert (await client.logout()).result == "OK"


async def test_a_server_that_is_killed_mid_command_is_noticed_within_100_ms(
    own_dovecot: DovecotWorld,
) -> None:
    for number in range(20):
        own_dovecot.deliver("alice", message(number))
    async with connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        await session.client.select("INBOX")
        idle = await session.client.idle_start()
        own_dovecot.kill()
        async with asyncio.timeout(0.1):
            with pytest.raises(ConnectError):
                await idle
        with pytest.raises(ConnectError):
            await session.client.noop()


async def test_a_session_process_that_is_killed_is_noticed(own_dovecot: DovecotWorld) -> None:
    async with connect_imap(account(own_dovecot, TLSMode.STARTTLS)) as session:
        await session.client.select("INBOX")
        idle = await session.client.idle_start()
        assert own_dovecot.kill_sessions("alice") == 1
        with pytest.raises(ConnectError):
            await idle


async def test_messages_come_as_octets_and_no_longer_than_was_asked_for(
    own_dovecot: DovecotWorld,
) -> None:
    letters = [message(number) + b"x" * 900 + b"\r\n" for number in range(1, 4)]
    for each in letters:
        own_dovecot.deliver("alice", each)
    async with connect_imap(account(own_dovecot, TLSMode.IMPLICIT)) as session:
        opened = (await session.client.examine("INBOX")).lines
        (uidvalidity,) = re.findall(rb"UIDVALIDITY (\d+)", b" ".join(opened))
        found = [
            each
            async for each in fetch_messages(
                session, [1, 3, 9], uidvalidity=int(uidvalidity), max_bytes=800
            )
        ]
        assert [uid for uid, _ in found] == [1, 3]
        assert all(len(octets) == 800 for _, octets in found)
        async for uid, octets in fetch_messages(session, [2], uidvalidity=int(uidvalidity)):
            assert (uid, octets in letters) == (2, True)
        with pytest.raises(UIDValidityError):
            _ = [x async for x in fetch_messages(session, [1], uidvalidity=int(uidvalidity) + 1)]
