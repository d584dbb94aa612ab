"""Submitting: what arrives, and what the answer says, step by step."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from securemail import (
    Account,
    ClientCertificate,
    ConnectError,
    DeadlineError,
    Outcome,
    Password,
    Phase,
    ProtocolError,
    SecureMailError,
    SecureSession,
    Service,
    SubmissionError,
    Timeouts,
    TLSMode,
    TrustStore,
    UnknownOutcome,
    UsageError,
    connect_imap,
    connect_submission,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    MailServer,
    Offer,
    Repeat,
    Reset,
    Send,
    Step,
)
from tests.session.submission_scripts import GO_ON, LEAVE, OK, connected, logged_in

BOTH = pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
MESSAGE = b"From: alice@example.org\r\nTo: bob@example.org\r\n\r\n.dots\r\n"
MAIL = Expect(rb"MAIL FROM:<alice@example\.org>.*")
BOB = Expect(rb"RCPT TO:<bob@example\.org>")
CAROL = Expect(rb"RCPT TO:<carol@example\.org>")
DATA = Expect(rb"DATA")
RSET = Expect(rb"RSET")
TEXT = (Expect(rb"From: .*"), Expect(rb"To: .*"), Expect(rb""), Expect(rb"\.\.dots"))
DOT = Expect(rb"\.")
# All that is sent for MESSAGE, up to the answer behind its end.
SENT = (MAIL, OK, BOB, OK, DATA, GO_ON, *TEXT, DOT)


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


def phase_of(session: SecureSession[Any]) -> Phase:
    return session.phase


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


# --- 4xx and 5xx at each step

# name: (the server's part, the step, the code, whether to try again later)
REFUSALS: dict[str, tuple[tuple[Step, ...], str, int, bool]] = {
    "MAIL for now": ((MAIL, Send(b"451 4.3.0 later\r\n"), RSET, OK), "MAIL", 451, True),
    "MAIL": ((MAIL, Send(b"553 5.1.8 not you\r\n"), RSET, OK), "MAIL", 553, False),
    "RCPT for now": ((MAIL, OK, BOB, Send(b"450 4.2.1 busy\r\n"), RSET, OK), "RCPT", 450, True),
    "RCPT": ((MAIL, OK, BOB, Send(b"550 5.1.1 who\r\n"), RSET, OK), "RCPT", 550, False),
    "DATA for now": (
        (MAIL, OK, BOB, OK, DATA, Send(b"452 4.3.1 full\r\n"), RSET, OK),
        "DATA",
        452,
        True,
    ),
    "DATA": ((MAIL, OK, BOB, OK, DATA, Send(b"554 5.5.1 no\r\n"), RSET, OK), "DATA", 554, False),
    "the message for now": ((*SENT, Send(b"451 4.7.1 greylisted\r\n")), "message", 451, True),
    "the message": ((*SENT, Send(b"550 5.7.1 spam\r\n")), "message", 550, False),
    "the message, in several lines": (
        (*SENT, Send(b"550-5.7.1 this\r\n550 5.7.1 is spam\r\n")),
        "message",
        550,
        False,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("extensions", [(), (b"PIPELINING",)])
async def test_a_refusal_says_where_and_why_and_the_next_message_goes(
    name: str, extensions: tuple[bytes, ...], ca: CertificateAuthority
) -> None:
    steps, step, code, is_temporary = REFUSALS[name]
    if extensions and name.startswith("MAIL"):
        steps = (*steps[:2], BOB, Send(b"503 5.5.1 no sender\r\n"), *steps[2:])
    script = (*logged_in(*extensions), *steps, *SENT, Send(b"250 2.6.0 queued\r\n"), *LEAVE)
    async with connected(script, ca) as (session, server):
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(MESSAGE)
        error = caught.value
        assert (error.step, error.code, error.is_temporary) == (step, code, is_temporary)
        assert error.outcome is Outcome.REFUSED
        assert error.enhanced
        assert str(code) in str(error)
        done = await session.client.submit(MESSAGE)
        assert done.enhanced == "2.6.0"
    await server.finished.wait()
    assert server.problem is None


async def test_where_the_server_pipelines_the_envelope_goes_in_one_flight(
    ca: CertificateAuthority,
) -> None:
    answers = Send(b"250 ok\r\n250 ok\r\n450 4.2.1 carol is busy\r\n")
    steps = (MAIL, BOB, CAROL, answers, DATA, GO_ON, *TEXT, DOT, OK)
    async with connected((*logged_in(b"PIPELINING"), *steps, *LEAVE), ca) as (session, server):
        to = ["bob@example.org", "carol@example.org"]
        done = await session.client.submit(MESSAGE, recipients=to)
        assert [each.code for each in done.recipients] == [250, 450]
    await server.finished.wait()
    assert server.problem is None


NONSENSE: dict[str, tuple[Step, ...]] = {
    "354 to MAIL": (MAIL, GO_ON),
    "354 to RCPT": (MAIL, OK, BOB, GO_ON),
    "250 to DATA": (MAIL, OK, BOB, OK, DATA, OK),
    "no reply at all": (MAIL, Send(b"* OK\r\n")),
    "codes that differ": (MAIL, Send(b"250-a\r\n251 b\r\n")),
    "two answers to one command": (MAIL, Send(b"250 ok\r\n250 ok\r\n")),
    "an answer to what was not sent": (*SENT[:5], Send(b"354 go\r\n250 ok\r\n")),
    "half an answer before the command": (MAIL, Send(b"250 ok\r\n25")),
    "an answer without end": (MAIL, Repeat(b"250-x\r\n", 100_000)),
    "a line without end": (MAIL, Repeat(b"2" * 1000, 1_000)),
    "a flood": (MAIL, Repeat(b"250 ok\r\n", 100_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_before_the_end_of_the_data_is_the_servers_fault_and_nothing_was_accepted(
    name: str, ca: CertificateAuthority
) -> None:
    script = (*logged_in(), *NONSENSE[name], Hang())
    async with connected(script, ca) as (session, _):
        with pytest.raises(ProtocolError):
            await session.client.submit(MESSAGE)
        assert phase_of(session) is Phase.CLOSED
        with pytest.raises(SecureMailError):
            await session.client.submit(MESSAGE)


# --- accepted, refused, or nobody knows

ENDS: dict[str, tuple[Step, ...]] = {
    "closed": (Close(),),
    "cut": (CloseWithoutAlert(),),
    "reset": (Reset(),),
    "silent": (Hang(),),
    "goodbye out of turn": (Send(b"421 4.3.2 shutting down\r\n"), Close()),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("at", [1, 3, 5])
async def test_before_the_end_of_the_data_an_end_of_the_line_means_not_accepted(
    end: str, at: int, ca: CertificateAuthority
) -> None:
    script = (*logged_in(), *SENT[:at], *ENDS[end])
    timeouts = Timeouts(command=0.2)
    async with connected(script, ca, timeouts=timeouts) as (session, _):
        with pytest.raises((ConnectError, DeadlineError, SubmissionError)) as caught:
            await session.client.submit(MESSAGE)
        if isinstance(caught.value, SubmissionError):
            assert caught.value.code == 421
        assert phase_of(session) is Phase.CLOSED


@pytest.mark.parametrize("end", ["closed", "cut", "reset", "silent"])
async def test_after_the_end_of_the_data_nobody_knows(end: str, ca: CertificateAuthority) -> None:
    async with connected((*logged_in(), *SENT, *ENDS[end]), ca) as (session, _):
        session.client.data_reply_s = 0.2
        with pytest.raises(UnknownOutcome) as caught:
            await session.client.submit(MESSAGE)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert caught.value.recipients == ("bob@example.org",)
        assert isinstance(
            caught.value.__cause__, DeadlineError if end == "silent" else ConnectError
        )
        assert not isinstance(caught.value, SubmissionError | ConnectionError | TimeoutError)
        assert phase_of(session) is Phase.CLOSED


@pytest.mark.parametrize("reply", [b"354 more\r\n", b"nonsense\r\n", b"250-ok\r\n451 no\r\n"])
async def test_nonsense_after_the_end_of_the_data_is_no_answer(
    reply: bytes, ca: CertificateAuthority
) -> None:
    async with connected((*logged_in(), *SENT, Send(reply), Hang()), ca) as (session, _):
        with pytest.raises(UnknownOutcome) as caught:
            await session.client.submit(MESSAGE)
        assert isinstance(caught.value.__cause__, ProtocolError)


async def test_421_as_the_answer_to_the_message_is_a_refusal(ca: CertificateAuthority) -> None:
    script = (*logged_in(), *SENT, Send(b"421 4.3.2 shutting down\r\n"), Close())
    async with connected(script, ca) as (session, _):
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(MESSAGE)
        assert (caught.value.step, caught.value.code) == ("message", 421)
        with pytest.raises(ConnectError, match=r"421 4\.3\.2 shutting down"):
            await session.client.submit(MESSAGE)


async def test_a_cancellation_after_the_end_of_the_data_says_that_nobody_knows(
    ca: CertificateAuthority,
) -> None:
    async with connected((*logged_in(), *SENT, Hang()), ca) as (session, server):
        sending = asyncio.create_task(session.client.submit(MESSAGE))
        await server.hanging.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await sending
        unknown = caught.value.__cause__
        assert isinstance(unknown, UnknownOutcome)
        assert unknown.recipients == ("bob@example.org",)
        assert phase_of(session) is Phase.CLOSED


@pytest.mark.parametrize("at", [1, 3, 5])
async def test_a_cancellation_before_it_closes_the_session_and_is_not_unknown(
    at: int, ca: CertificateAuthority
) -> None:
    async with connected((*logged_in(), *SENT[:at], Hang()), ca) as (session, server):
        sending = asyncio.create_task(session.client.submit(MESSAGE))
        await server.hanging.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await sending
        assert caught.value.__cause__ is None
        assert phase_of(session) is Phase.CLOSED
