"""Submitting: what arrives, and what the answer says, step by step."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from securemail import (
    DSN,
    Account,
    ClientCertificate,
    ConnectError,
    Outcome,
    Password,
    Phase,
    Returned,
    Service,
    SubmissionError,
    TLSMode,
    TrustStore,
    UsageError,
    connect_imap,
    connect_submission,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    MailServer,
    Offer,
)
from tests.session.scripts import phase_of
from tests.session.submission_scripts import (
    EHLO,
    LEAVE,
    MESSAGE,
    OK,
    SENT,
    connected,
    logged_in,
    offer,
)

BOTH = pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])


def account(server: MailServer, tls: TLSMode, **fields: Any) -> Account:
    fields.setdefault("credentials", Password("alice", "secret"))
    return Account(
        "alice@example.org",
        imap=server.endpoint(tls),
        submission=server.endpoint(tls, Service.SUBMISSION),
        trust=TrustStore.from_pem(server.ca.pem),
        **fields,
    )


def letter(text: str = "Hello.\n.\n..\n", **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Alice <alice@example.org>"
    message["To"] = "bob@example.org"
    for name, value in fields.items():
        message[name] = value
    message.set_content(text)
    return message


# --- a server that takes mail


@BOTH
async def test_a_message_submitted_is_read_back_over_imap(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    async with MailServer({"alice": "secret", "bob": "b"}, ca=ca) as server:
        async with connect_submission(account(server, tls)) as session:
            assert session.authenticated_by == "PLAIN"
            assert "8BITMIME" in session.capabilities
            done = await session.client.submit(letter("Grüße\n.\n"))
        assert done.outcome is Outcome.ACCEPTED
        assert [each.address for each in done.accepted] == ["bob@example.org"]
        assert done.words == "2.0.0 queued as 1"
        bob = account(server, tls, credentials=Password("bob", "b"))
        async with connect_imap(bob) as session:
            await session.client.select("INBOX")
            answer = await session.client.fetch("1", "(BODY.PEEK[TEXT])")
            assert answer.lines[1] == "Grüße\r\n.\r\n".encode()


@BOTH
async def test_external_logs_in(
    tls: TLSMode, ca: CertificateAuthority, alice: ClientCertificate
) -> None:
    async with MailServer({"alice": "secret", "bob": "b"}, ca=ca) as server:
        mine = account(server, tls, credentials=None, client_certificate=alice)
        async with connect_submission(mine) as session:
            assert session.authenticated_by == "EXTERNAL"
            await session.client.submit(letter())
        assert server.submitted[0].user == "alice"


async def test_a_utf8_address_arrives(ca: CertificateAuthority) -> None:
    async with (
        MailServer({"alice": "secret", "jürgen": "j"}, ca=ca) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        message = letter(Cc="jürgen@example.org")
        await session.client.submit(message, recipients=["jürgen@example.org"])
        (arrived,) = server.store.mailbox("jürgen").messages.values()
        assert "Cc: jürgen@example.org".encode() in arrived.data
        assert server.submitted[0].parameters[1:] == ("BODY=8BITMIME", "SMTPUTF8")


async def test_each_recipient_has_an_outcome(ca: CertificateAuthority) -> None:
    async with (
        MailServer({"alice": "secret", "bob": "b"}, ca=ca) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        done = await session.client.submit(letter(Cc="nobody@example.org"))
    (bob,), (nobody,) = done.accepted, done.refused
    assert (bob.code, bob.enhanced, bob.words) == (250, "2.1.5", "2.1.5 ok")
    assert (nobody.code, nobody.enhanced) == (550, "5.1.1")
    assert "no such user" in nobody.words


async def test_after_a_refusal_the_session_goes_on(ca: CertificateAuthority) -> None:
    async with (
        MailServer({"alice": "secret", "bob": "b"}, ca=ca) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(letter(), recipients=["x@example.org", "y@example.org"])
        assert caught.value.step == "RCPT"
        assert caught.value.outcome is Outcome.REFUSED
        assert [each.code for each in caught.value.recipients] == [550, 550]
        assert not caught.value.is_temporary
        await session.client.submit(letter())
        assert len(server.submitted) == 1


async def test_what_the_server_cannot_do_is_an_error_and_nothing_is_sent(
    ca: CertificateAuthority,
) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca, offer=Offer(extensions=())) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(letter(), require_tls=True)
        assert caught.value.missing == "REQUIRETLS"
        assert server.submitted == []
        await session.client.submit(letter(), recipients="x@elsewhere.net")


async def test_what_a_server_offers_only_after_the_login_is_found(
    ca: CertificateAuthority,
) -> None:
    again = (
        EHLO,
        offer(b"DSN"),
        Expect(rb"MAIL FROM:<alice@example\.org> RET=HDRS"),
        *SENT[1:],
        OK,
    )
    async with connected((*logged_in(), *again, *LEAVE), ca) as (session, server):
        await session.client.submit(MESSAGE, dsn=DSN(returned=Returned.HEADERS))
        for _ in range(2):
            with pytest.raises(SubmissionError) as caught:
                await session.client.submit(MESSAGE, require_tls=True)
            assert caught.value.missing == "REQUIRETLS"
    await server.finished.wait()
    assert server.problem is None
    assert server.plaintext.count(b"EHLO") == 2


async def test_messages_go_one_after_the_other_whoever_sends_them(
    ca: CertificateAuthority,
) -> None:
    async with (
        MailServer({"alice": "secret", "bob": "b"}, ca=ca) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        client = session.client
        await asyncio.gather(
            *(client.submit(letter(f"number {number}\n")) for number in range(10)),
            *(client.send_message(letter(f"other {number}\n")) for number in range(10)),
            *(client.noop() for _ in range(10)),
        )
        assert len(server.store.mailbox("bob").messages) == 20


async def test_30_megabytes_go_in_bounded_memory(ca: CertificateAuthority) -> None:
    big = MESSAGE + (b"." * 76 + b"\r\n") * 400_000
    offer = Offer(extensions=("SIZE 0",))
    async with (
        MailServer({"alice": "secret", "bob": "b"}, ca=ca, offer=offer) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        await session.client.submit(big)
        assert server.submitted[0].data == big


# --- aiosmtplib's own interface


async def test_the_documented_interface_of_aiosmtplib_works(ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "secret", "bob": "b"}, ca=ca) as server:
        async with connect_submission(account(server, TLSMode.STARTTLS)) as session:
            client = session.client
            assert isinstance(client, aiosmtplib.SMTP)
            assert client.is_connected
            assert client.supports_extension("8bitmime")
            assert client.esmtp_extensions["size"] == "52428800"
            assert client.server_auth_methods == ["plain", "external"]
            errors, words = await client.send_message(letter(Cc="nobody@example.org"))
            assert errors["nobody@example.org"].code == 550
            assert words == "2.0.0 queued as 1"
            sender, recipients = "alice@example.org", ["bob@example.org"]
            await client.sendmail(sender, recipients, "a\nb\r\n.\rc")
            assert (await client.noop()).code == 250
            assert (await client.rset()).code == 250
            assert (await client.vrfy("bob")).code == 252
            assert (await client.ehlo()).code == 250
            assert (await client.mail(sender)).code == 250
            assert (await client.rcpt(recipients[0])).code == 250
            assert (await client.data(b"x\r\n")).code == 250
            with pytest.raises(aiosmtplib.SMTPSenderRefused):
                await client.mail("jürgen@example.org", encoding="utf-8")
            assert (await client.quit()).code == 221
            with pytest.raises(aiosmtplib.SMTPServerDisconnected) as caught:
                await client.noop()
            assert isinstance(caught.value.__cause__, ConnectError)
            assert phase_of(session) is Phase.CLOSED
        assert server.submitted[1].data == b"a\r\nb\r\n.\r\nc\r\n"


async def test_a_client_does_not_connect_or_log_in_by_itself(ca: CertificateAuthority) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        client = session.client
        calls: list[Any] = [client.connect, client.starttls, client.login]
        for call in calls:
            with pytest.raises(UsageError):
                await call()
        client.close()
        calls = [client.__aenter__]
        with pytest.raises(UsageError):
            await calls[0]()
        assert phase_of(session) is Phase.CLOSED
    assert server.accepted == 1


async def test_a_command_with_a_control_character_is_not_sent(ca: CertificateAuthority) -> None:
    async with (
        MailServer({"alice": "secret"}, ca=ca) as server,
        connect_submission(account(server, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(ValueError, match="control character"):
            await session.client.execute_command(b"NOOP\r\nQUIT")
        assert (await session.client.noop()).code == 250
