"""A POP3 session over a socket: its end, and what it leaves in the mailbox."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Any

import pytest

from securemail import (
    Account,
    ConnectError,
    LimitExceeded,
    Password,
    Phase,
    POP3Client,
    ProtocolError,
    SecureMailError,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
    connect_pop3,
    limits,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    MailServer,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    Step,
)
from tests.session.pop3_scripts import IMPLICIT, UPGRADED, account
from tests.session.scripts import HOST, phase_of

RETR = Expect(rb"RETR 1")
HALF = Send(b"+OK 100 octets\r\nSubject: half\r\n")


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ((Close(),), ConnectError),
        ((HALF, Close()), ConnectError),
        ((HALF, CloseWithoutAlert()), ConnectError),
        ((HALF, Reset()), ConnectError),
        ((Send(b"* 1 FETCH\r\n"), Hang()), ProtocolError),
        ((Repeat(b"x" * 1000, 10_000), Hang()), LimitExceeded),
    ],
)
async def test_a_pending_message_fails_at_once_with_the_cause(
    steps: tuple[Step, ...], kind: type[SecureMailError], ca: CertificateAuthority
) -> None:
    script = (*IMPLICIT, RETR, *steps)
    async with (
        ScriptedServer(script, context=ca.server_context(HOST)) as server,
        connect_pop3(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(kind):
            await session.client.retr(1)
        assert session.phase is Phase.CLOSED
        with pytest.raises(kind):
            await session.client.noop()


async def test_a_message_without_end_is_refused(
    ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LITERAL_BYTES", 1_000_000)
    script = (*IMPLICIT, RETR, Send(b"+OK\r\n"), Repeat(b"x" * 100 + b"\r\n", 1_000_000))
    for streamed in (False, True):
        async with (
            ScriptedServer(script, context=ca.server_context(HOST)) as server,
            connect_pop3(account(server, ca, TLSMode.IMPLICIT)) as session,
        ):
            with pytest.raises(LimitExceeded):
                await (take(session.client) if streamed else session.client.retr(1))


async def take(client: POP3Client) -> int:
    return sum([len(piece) async for piece in client.retr_stream(1)])


async def test_a_command_that_is_cancelled_ends_the_session(ca: CertificateAuthority) -> None:
    async with (
        ScriptedServer((*IMPLICIT, RETR, Hang()), context=ca.server_context(HOST)) as server,
        connect_pop3(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        command = asyncio.create_task(session.client.retr(1))
        await server.hanging.wait()
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        assert session.phase is Phase.CLOSED


# --- what is deleted, and when


def mine(server: MailServer, **fields: Any) -> Account:
    return Account(
        "alice@example.org",
        pop3=server.endpoint(TLSMode.IMPLICIT, service=Service.POP3),
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(server.ca.pem),
        **fields,
    )


async def leave_by_the_end(server: MailServer) -> None:
    async with connect_pop3(mine(server)) as session:
        await session.client.dele(1)


async def leave_by_an_error(server: MailServer) -> None:
    async def work() -> None:
        async with connect_pop3(mine(server)) as session:
            await session.client.dele(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()


async def leave_by_cancellation(server: MailServer) -> None:
    marked = asyncio.Event()

    async def work() -> None:
        async with connect_pop3(mine(server)) as session:
            await session.client.dele(1)
            marked.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await marked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_by_abort(server: MailServer) -> None:
    session = await connect_pop3(mine(server))
    await session.client.dele(1)
    session.abort()
    await session.aclose()


async def leave_by_a_drop(server: MailServer) -> None:
    async with connect_pop3(mine(server)) as session:
        await session.client.dele(1)
        server.kill()
        with pytest.raises(ConnectError):
            await session.client.quit()


@pytest.mark.parametrize(
    "leave",
    [leave_by_the_end, leave_by_an_error, leave_by_cancellation, leave_by_abort, leave_by_a_drop],
)
async def test_leaving_without_quit_deletes_nothing(leave: Any, ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", b"Subject: keep me\r\n\r\n")
        await leave(server)
        await server.wait_quiet()
        assert len(server.store.mailbox("alice").messages) == 1


async def test_quit_deletes_what_is_marked(ca: CertificateAuthority) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        for number in range(3):
            server.store.deliver("alice", b"Subject: %d\r\n\r\n" % number)
        session = await connect_pop3(mine(server))
        await session.client.dele(1)
        await session.client.rset()
        await session.client.dele(2)
        await session.client.quit()
        assert phase_of(session) is Phase.CLOSED
        await session.aclose()
        left = [message.data for message in server.store.mailbox("alice").messages.values()]
    assert left == [b"Subject: 0\r\n\r\n", b"Subject: 2\r\n\r\n"]


async def test_a_large_message_is_streamed_through_one_buffer(ca: CertificateAuthority) -> None:
    big = b"Subject: big\r\n\r\n" + (b"." * 70 + b"\r\n") * 100_000
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", big)
        async with connect_pop3(mine(server)) as session:
            pieces, most = [], 0
            async for piece in session.client.retr_stream(1):
                pieces.append(piece)
                most = max(most, len(piece))
                await asyncio.sleep(0)
    assert b"".join(pieces) == big
    assert most <= (64 + 16) * 1024  # what is read at once, and the TLS record that it completes


async def test_a_stream_that_is_left_early_does_not_end_the_session(
    ca: CertificateAuthority,
) -> None:
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        server.store.deliver("alice", b"Subject: big\r\n\r\n" + b"x" * 3_000_000)
        async with connect_pop3(mine(server)) as session:
            async with aclosing(session.client.retr_stream(1)) as pieces:
                await anext(pieces)
            assert (await session.client.stat()).messages == 1


async def connect(server: ScriptedServer, ca: CertificateAuthority) -> SecureSession[POP3Client]:
    return await connect_pop3(account(server, ca, TLSMode.STARTTLS))


async def test_a_connect_that_is_cancelled_anywhere_leaves_nothing(
    ca: CertificateAuthority,
) -> None:
    """Every turn of the loop is tried; the guards of conftest.py look for sockets and tasks."""
    cancelled = 0
    async with ScriptedServer((*UPGRADED, Hang()), context=ca.server_context(HOST)) as server:
        while True:
            task = asyncio.create_task(connect(server, ca))
            for _ in range(cancelled):
                await asyncio.sleep(0)
            if task.done():
                break
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancelled += 1
        await (await task).aclose()
        await server.finished.wait()
    assert cancelled > 10
    assert not [t for t in server.transcripts if b"QUIT" in t.raw + t.plaintext]


async def test_no_password_is_logged_or_shown(
    ca: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script = (*UPGRADED, RETR, Send(b"+OK\r\nsecret\r\n"), Close())
    async with (
        ScriptedServer(script, context=ca.server_context(HOST)) as server,
        connect_pop3(account(server, ca, TLSMode.STARTTLS)) as session,
    ):
        with pytest.raises(SecureMailError) as caught:
            await session.client.retr(1)
        client = session.client
        shown = [caplog.text, repr(session.__dict__), repr(vars(client)), repr(caught.value)]
    for text in shown:
        assert "secret" not in text.replace("secret bytes", "")
        assert "AGFsaWNlAHNlY3JldA" not in text
