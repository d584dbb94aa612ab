"""Refused, accepted, or nobody knows: every way in which a submission can end."""

from __future__ import annotations

import asyncio

import pytest

from securemail import (
    ConnectError,
    DeadlineError,
    Outcome,
    Phase,
    ProtocolError,
    SecureMailError,
    SubmissionError,
    Timeouts,
    UnknownOutcome,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    Repeat,
    Reset,
    Send,
    Step,
)
from tests.session.scripts import phase_of
from tests.session.submission_scripts import (
    BOB,
    CAROL,
    DATA,
    DOT,
    GO_ON,
    LEAVE,
    MAIL,
    MESSAGE,
    OK,
    RSET,
    SENT,
    TEXT,
    connected,
    logged_in,
)

NO_SENDER = Send(b"503 5.5.1 no sender\r\n")
NO_RECIPIENT = Send(b"554 5.5.1 no valid recipients\r\n")

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
    if extensions and step in ("MAIL", "RCPT"):
        # What was sent with it is refused, too.
        rest = (BOB, NO_SENDER, DATA, NO_RECIPIENT) if step == "MAIL" else (DATA, NO_RECIPIENT)
        steps = (*steps[:-2], *rest, *steps[-2:])
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
    answers = Send(b"250 ok\r\n250 ok\r\n450 4.2.1 carol is busy\r\n354 go on\r\n")
    steps = (MAIL, BOB, CAROL, DATA, answers, *TEXT, DOT, OK)
    async with connected((*logged_in(b"PIPELINING"), *steps, *LEAVE), ca) as (session, server):
        to = ["bob@example.org", "carol@example.org"]
        done = await session.client.submit(MESSAGE, recipients=to)
        assert [each.code for each in done.recipients] == [250, 450]
    await server.finished.wait()
    assert server.problem is None


async def test_a_server_that_waits_for_a_message_to_nobody_gets_an_empty_one(
    ca: CertificateAuthority,
) -> None:
    """RFC 2920 section 3.1: it may have taken DATA before it knew that nobody is left."""
    answers = Send(b"250 ok\r\n550 5.1.1 who\r\n354 go on\r\n")
    nobody = (MAIL, BOB, DATA, answers, DOT, NO_RECIPIENT)
    end = Send(b"250 2.6.0 queued\r\n")
    script = (*logged_in(b"PIPELINING"), *nobody, *SENT, end, *LEAVE)
    async with connected(script, ca) as (session, server):
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(MESSAGE)
        assert (caught.value.step, caught.value.code) == ("RCPT", 550)
        assert (await session.client.submit(MESSAGE)).enhanced == "2.6.0"
    await server.finished.wait()
    assert server.problem is None


async def test_an_empty_message_is_never_sent_to_somebody(ca: CertificateAuthority) -> None:
    answers = Send(b"451 4.3.0 later\r\n250 ok\r\n354 go on\r\n")
    script = (*logged_in(b"PIPELINING"), MAIL, BOB, DATA, answers, Hang())
    async with connected(script, ca, timeouts=Timeouts(command=1.0)) as (session, server):
        with pytest.raises(SubmissionError) as caught:
            await session.client.submit(MESSAGE)
        assert (caught.value.step, caught.value.code) == ("MAIL", 451)
        assert phase_of(session) is Phase.CLOSED
    assert server.plaintext.endswith(b"DATA\r\n")


async def test_nobody_else_speaks_between_data_and_the_message(ca: CertificateAuthority) -> None:
    """The server would take it for a line of the message."""
    wait = Expect(rb"NOOP")
    script = (*logged_in(b"PIPELINING"), *SENT, OK, wait, OK, *LEAVE)
    async with connected(script, ca) as (session, server):
        client = session.client
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.submit(MESSAGE))
            await asyncio.sleep(0)
            tasks.create_task(client.noop())
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
    timeouts = Timeouts(command=1.0)
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
