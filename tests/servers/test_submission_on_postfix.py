"""Submission to a real Postfix, and to a Dovecot that relays to it, read back by IMAP and POP3."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from securemail import (
    DSN,
    Account,
    AuthenticationError,
    ClientCertificate,
    Notify,
    Outcome,
    Password,
    Returned,
    SecureSession,
    Service,
    SubmissionError,
    TLSMode,
    TLSVersion,
    Trust,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from tests.servers.postfix import PostfixWorld
from tests.servers.submission import account, letter

pytestmark = [pytest.mark.dovecot, pytest.mark.postfix]

BOTH = pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
SERVER = pytest.mark.parametrize("server", ["postfix", "dovecot"])
BIG = 30 * 1000 * 1000


@contextlib.asynccontextmanager
async def inbox_of_bob(
    world: PostfixWorld, tls: TLSMode = TLSMode.IMPLICIT
) -> AsyncIterator[Callable[..., Awaitable[bytes]]]:
    """Yield a function that waits for one message and returns it; leave nothing behind.

    The message is read by IMAP and by POP3, and must be the same octets by both.
    """
    bob = Password("bob", world.dovecot.passwords["bob"])
    mine = account(world, "postfix", tls, credentials=bob)
    async with connect_imap(mine) as session:
        client = session.client
        await client.select("INBOX")

        async def arrived(seconds: float = 10) -> bytes:
            async with asyncio.timeout(seconds):
                while not (found := (await client.search("ALL")).lines[0].split()):
                    idle = await client.idle_start()
                    await client.wait_server_push()
                    client.idle_done()
                    await idle
            answer = await client.fetch(found[-1].decode(), "(BODY.PEEK[])")
            message = next(bytes(line) for line in answer.lines if isinstance(line, bytearray))
            assert await _by_pop3(mine) == [message]
            await client.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
            await client.expunge()
            return message

        yield arrived


async def _by_pop3(mine: Account) -> list[bytes]:
    """Return all that is in the mailbox; nothing is deleted."""
    async with connect_pop3(mine, utf8=True) as session:
        assert not session.client.is_utf8  # Dovecot 2.3 does not offer it
        numbers = [each.number for each in await session.client.list()]
        return [message async for message in session.client.retr_many(numbers)]


@SERVER
@BOTH
async def test_a_message_submitted_is_read_back(
    postfix_world: PostfixWorld, server: str, tls: TLSMode
) -> None:
    mail = letter("dots", "Grüße\n.\n..two\n.hidden\nend\n")
    mail.add_attachment(bytes(range(256)) * 40, "application", "octet-stream", filename="all.bin")
    async with inbox_of_bob(postfix_world, tls) as arrived:
        async with connect_submission(account(postfix_world, server, tls)) as session:
            assert session.authenticated_by == "SCRAM-SHA-256"
            record = session.confidentiality
            assert record.tls_version is TLSVersion.TLS_1_3
            assert record.trust is Trust.PKIX
            assert record.indicator.is_locked
            done = await session.client.submit(mail)
            assert done.outcome is Outcome.ACCEPTED
            assert done.accepted[0].code == 250
        read = message_from_bytes(await arrived(), policy=policy.default)
    assert isinstance(read, EmailMessage)
    body = read.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == "Grüße\n.\n..two\n.hidden\nend\n"
    (attachment,) = read.iter_attachments()
    assert attachment.get_content() == bytes(range(256)) * 40


@SERVER
@BOTH
async def test_bytes_in_8_bits_arrive_octet_by_octet(
    postfix_world: PostfixWorld, server: str, tls: TLSMode
) -> None:
    head = b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: raw\r\n"
    mime = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    body = b"\r\n.\r\n..\r\n\xe4\xf6\xfc.\r\n" + bytes(range(128, 256)) + b"\r\n.end\r\n"
    head += b"Bcc: carol@example.net\r\nContent-Transfer-Encoding: 8bit\r\n"
    async with inbox_of_bob(postfix_world, tls) as arrived:
        async with connect_submission(account(postfix_world, server, tls)) as session:
            await session.client.submit(head + mime + body, recipients=["bob@example.test"])
        read = await arrived()
    assert read.endswith(body)
    assert b"carol" not in read


@SERVER
async def test_30_megabytes_arrive(postfix_world: PostfixWorld, server: str) -> None:
    head = b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: big\r\n\r\n"
    body = (b"." + b"x" * 75 + b"\r\n") * (BIG // 78)
    async with inbox_of_bob(postfix_world) as arrived:
        async with connect_submission(account(postfix_world, server, TLSMode.STARTTLS)) as session:
            await session.client.submit(head + body)
        read = await arrived(60)
    assert read.endswith(body)


@BOTH
async def test_external_logs_in_to_dovecot(postfix_world: PostfixWorld, tls: TLSMode) -> None:
    mine = account(
        postfix_world,
        "dovecot",
        tls,
        credentials=None,
        client_certificate=ClientCertificate.from_pem(postfix_world.dovecot.client_pem["alice"]),
    )
    async with inbox_of_bob(postfix_world) as arrived:
        async with connect_submission(mine) as session:
            assert session.authenticated_by == "EXTERNAL"
            await session.client.submit(letter("by certificate"))
        assert b"Subject: by certificate" in await arrived()


@SERVER
@BOTH
async def test_a_wrong_password_is_refused_with_the_servers_words(
    postfix_world: PostfixWorld, server: str, tls: TLSMode
) -> None:
    mine = account(postfix_world, server, tls, credentials=Password("alice", "wrong"))
    with pytest.raises(AuthenticationError, match=r"535 5\.7\.8") as caught:
        await connect_submission(mine)
    assert "SCRAM-SHA-256" in {attempt.mechanism for attempt in caught.value.attempts}


@SERVER
async def test_a_stranger_is_refused_and_the_others_get_the_message(
    postfix_world: PostfixWorld, server: str
) -> None:
    mine = account(postfix_world, server, TLSMode.IMPLICIT)
    async with inbox_of_bob(postfix_world) as arrived:
        async with connect_submission(mine) as session:
            done = await session.client.submit(letter("x", Cc="nobody@example.test"))
            (nobody,) = done.refused
            assert (nobody.code, nobody.enhanced) == (550, "5.1.1")
            with pytest.raises(SubmissionError) as caught:
                await session.client.submit(letter("x"), recipients="nobody@example.test")
            assert caught.value.step == "RCPT"
            assert (await session.client.noop()).code == 250
        await arrived()


@SERVER
async def test_a_notification_is_asked_for(postfix_world: PostfixWorld, server: str) -> None:
    wanted = DSN(notify=[Notify.NEVER], returned=Returned.HEADERS, envelope_id="a+b")
    mine = account(postfix_world, server, TLSMode.IMPLICIT)
    async with inbox_of_bob(postfix_world) as arrived:
        async with connect_submission(mine) as session:
            await session.client.submit(letter("noted"), dsn=wanted)
        assert b"Subject: noted" in await arrived()


@BOTH
async def test_a_message_to_a_utf8_address_is_read_back(
    postfix_world: PostfixWorld, tls: TLSMode
) -> None:
    mail = letter("Grüße", "Hallo Jürgen.\n", Cc="Jürgen <jürgen@example.test>")
    async with inbox_of_bob(postfix_world, tls) as arrived:
        async with connect_submission(account(postfix_world, "postfix", tls)) as session:
            done = await session.client.submit(mail, recipients="jürgen@example.test")
            assert done.accepted[0].address == "jürgen@example.test"
        read = await arrived()
    lines = read.decode().splitlines()
    assert {"Subject: Grüße", "Cc: Jürgen <jürgen@example.test>", "Hallo Jürgen."} <= set(lines)


async def test_postfix_takes_a_utf8_address_and_dovecot_is_not_asked_to(
    postfix_world: PostfixWorld,
) -> None:
    mail = letter("x", Cc="jürgen@elsewhere.test")
    mine = account(postfix_world, "postfix", TLSMode.IMPLICIT)
    async with connect_submission(mine) as session:
        done = await session.client.submit(mail, recipients="jürgen@elsewhere.test")
        assert done.accepted[0].address == "jürgen@elsewhere.test"
    async with connect_submission(account(postfix_world, "dovecot", TLSMode.IMPLICIT)) as session:
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(mail)
        assert caught.value.missing == "SMTPUTF8"


@SERVER
async def test_neither_offers_requiretls_so_the_message_does_not_go(
    postfix_world: PostfixWorld, server: str
) -> None:
    async with connect_submission(account(postfix_world, server, TLSMode.IMPLICIT)) as session:
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(letter("x"), require_tls=True)
        assert caught.value.missing == "REQUIRETLS"


@SERVER
async def test_the_documented_interface_of_aiosmtplib_works(
    postfix_world: PostfixWorld, server: str
) -> None:
    mine = account(postfix_world, server, TLSMode.STARTTLS, ehlo_name="laptop.example.test")
    async with inbox_of_bob(postfix_world) as arrived:
        async with connect_submission(mine) as session:
            client = session.client
            assert client.supports_extension("8bitmime")
            errors, _ = await client.send_message(letter("sent", Cc="nobody@example.test"))
            assert list(errors) == ["nobody@example.test"]
            assert (await client.rset()).code == 250
            assert (await client.ehlo()).code == 250
            assert (await client.quit()).code == 221
        assert b"Subject: sent" in await arrived()


async def test_capabilities_differ_before_and_inside_tls(postfix_world: PostfixWorld) -> None:
    mine = account(postfix_world, "postfix", TLSMode.STARTTLS)
    session = await SecureSession.open(mine, Service.SUBMISSION)
    before = await session.discover()
    await session.starttls()
    inside = await session.discover()
    await session.aclose()
    assert "STARTTLS" in before
    assert not any(line.startswith("AUTH ") and "PLAIN" in line for line in before)
    assert "STARTTLS" not in inside
    assert "SIZE 62914560" in inside
    assert any(line.startswith("AUTH ") and " PLAIN" in line for line in inside)
