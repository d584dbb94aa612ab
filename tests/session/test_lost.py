"""The line drops, or somebody stops waiting: who hears of it, and what is left."""

from __future__ import annotations

import asyncio
import logging

import pytest

from securemail import (
    ConnectError,
    LimitExceeded,
    Phase,
    ProtocolError,
    SecureMailError,
    Timeouts,
    TLSMode,
    connect_imap,
)
from securemail.testing import (
    CertificateAuthority,
    Close,
    CloseWithoutAlert,
    Expect,
    Hang,
    Repeat,
    Reset,
    ScriptedServer,
    Send,
    Step,
)
from tests.session.scripts import HOST, IMPLICIT, UPGRADED, account, refused

SELECT = Expect(rb"\w+ SELECT INBOX")


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ((Close(),), ConnectError),
        ((Send(b"* BYE going down\r\n"), Close()), ConnectError),
        ((CloseWithoutAlert(),), ConnectError),
        ((Reset(),), ConnectError),
        ((Send(b"* LIST () NIL {4294967296}\r\n"), Hang()), LimitExceeded),
        ((Repeat(b"x" * 100_000, 10_000), Hang()), LimitExceeded),
        ((Send(b"XX9 OK done\r\n"), Hang()), ProtocolError),
    ],
)
async def test_a_pending_command_fails_at_once_with_the_cause(
    steps: tuple[Step, ...], kind: type[SecureMailError], ca: CertificateAuthority
) -> None:
    script = (*IMPLICIT, SELECT, *steps)
    async with (
        ScriptedServer(script, context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(kind):
            await session.client.select("INBOX")
        assert session.phase is Phase.CLOSED
        with pytest.raises(kind):
            await session.client.noop()


async def test_the_servers_last_words_are_in_the_error(ca: CertificateAuthority) -> None:
    script = (*IMPLICIT, SELECT, Send(b"* BYE maintenance until noon\r\n"), Close())
    async with (
        ScriptedServer(script, context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        with pytest.raises(ConnectError, match="maintenance until noon"):
            await session.client.select("INBOX")


async def test_whoever_waits_for_pushes_hears_that_the_line_dropped(
    ca: CertificateAuthority,
) -> None:
    idle = (Expect(rb"\w+ IDLE"), Send(b"+ idling\r\n* 4 EXISTS\r\n"), Hang())
    async with (
        ScriptedServer(
            (*IMPLICIT, SELECT, Send(b"{tag} OK x\r\n"), *idle), context=ca.server_context(HOST)
        ) as server,
        connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        await session.client.select("INBOX")
        await session.client.idle_start()
        assert await session.client.wait_server_push() == [b"4 EXISTS"]
        waiting = asyncio.create_task(session.client.wait_server_push())
        await server.hanging.wait()
        await server.aclose()
        with pytest.raises(ConnectError):
            await waiting


async def test_a_cancelled_command_ends_the_session(ca: CertificateAuthority) -> None:
    async with (
        ScriptedServer((*IMPLICIT, SELECT, Hang()), context=ca.server_context(HOST)) as server,
        connect_imap(account(server, ca, TLSMode.IMPLICIT)) as session,
    ):
        command = asyncio.create_task(session.client.select("INBOX"))
        await server.hanging.wait()
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        assert session.phase is Phase.CLOSED


async def wakeups(step: int) -> None:
    """Let `step` turns of the event loop pass."""
    for _ in range(step):
        await asyncio.sleep(0)


@pytest.mark.parametrize("tls", [TLSMode.IMPLICIT, TLSMode.STARTTLS])
async def test_a_connect_that_is_cancelled_anywhere_leaves_nothing(
    tls: TLSMode, ca: CertificateAuthority
) -> None:
    """Every turn of the loop is tried; the guards of conftest.py look for sockets and tasks."""
    script = IMPLICIT if tls is TLSMode.IMPLICIT else UPGRADED
    context = ca.server_context(HOST)
    cancelled = step = 0
    async with ScriptedServer((*script, Hang()), context=context) as server:
        while True:
            task = asyncio.ensure_future(_connect(server, ca, tls))
            await wakeups(step)
            if task.done():
                break
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancelled += 1
            step += 1
        await (await task).aclose()
        assert cancelled > 10
        assert all(t.plaintext.count(b"\r\n") <= 3 for t in server.transcripts)


async def _connect(server: ScriptedServer, ca: CertificateAuthority, tls: TLSMode):  # type: ignore[no-untyped-def]  # the type is long and said by what follows
    return await connect_imap(account(server, ca, tls))


async def test_a_deadline_leaves_nothing(ca: CertificateAuthority) -> None:
    error, server = await refused((*UPGRADED[:-1], Hang()), ca, timeouts=Timeouts(command=0.1))
    assert isinstance(error, TimeoutError)
    assert server.problem is None


async def test_no_password_is_logged_or_shown(
    ca: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedServer((*UPGRADED, SELECT, Close()), context=ca.server_context(HOST)) as s:
        mine = account(s, ca, TLSMode.STARTTLS)
        async with connect_imap(mine) as session:
            with pytest.raises(SecureMailError) as caught:
                await session.client.select("INBOX")
            shown = [caplog.text, repr(mine), repr(session.__dict__), repr(caught.value)]
    for text in shown:
        assert "secret" not in text.replace("secret bytes", "")
        assert "AGFsaWNlAHNlY3JldA" not in text
