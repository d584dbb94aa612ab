# SPDX-License-Identifier: GPL-3.0-only
"""aioimaplib's client on a connection of ours (RFC 3501, RFC 2177).

The client's documented interface is unchanged. What is replaced is how it reads (aioimaplib
recurses over the answer, in quadratic time), how it lines commands up, what it does when the line
drops, and what it logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import weakref
from collections.abc import Set as AbstractSet
from typing import Any, Final

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed

from securemail.errors import DeadlineError, ProtocolError, SecureMailError
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.transports.commands import commands_of
from securemail.transports.conversation import Conversation
from securemail.transports.pending import AnswerLine, Pending, StateLock
from securemail.transports.tasks import cancelled, kept
from securemail.transports.unbounded import take_timeout, unbound
from securemail.wire.text import parse_capabilities

# The first of these that a server has is its version.
_VERSIONS: Final = ("IMAP4REV1", "IMAP4", "IMAP4REV2")


def hand_over(
    transport: asyncio.Transport,
    *,
    host: str,
    port: int,
    capabilities: frozenset[str],
    early: bytes,
    timeout_s: float,
    redactor: Redactor = NOTHING,
) -> IMAPClient:
    """Return a client that is logged in on `transport`, a connection past its gate.

    `early` came behind the tagged OK of the login. `timeout_s` bounds a command, FETCH and APPEND
    since they last got any further. `redactor` is for our errors. Not checked: TLS on `transport`.
    """
    client = IMAPClient(host, port, timeout=timeout_s)
    client.protocol.conversation.dialog.redactor = redactor
    client.protocol.attach(transport, capabilities)
    transport.set_protocol(client.protocol)
    if early:
        client.protocol.data_received(early)
    if transport.is_closing():
        client.protocol.connection_lost(getattr(transport, "error", None))
    return client


class CommandDeadlineError(DeadlineError, aioimaplib.CommandTimeout):  # type: ignore[misc]  # untyped
    """`command` was not answered in time: ours, and what programs for aioimaplib catch."""

    def __init__(self, peer: str, command: str, seconds: float) -> None:
        self.command = command
        said = f"{peer}: {command} took longer than {seconds:g} s"
        super().__init__(said, phase="command", seconds=seconds)


class IMAPProtocol(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]  # the base is untyped
    """aioimaplib's protocol with another reader, another queue of commands, and an end."""

    literal_data: bytes | None
    capabilities: AbstractSet[str]

    def __init__(self, peer: str, loop: asyncio.AbstractEventLoop, client: IMAPClient) -> None:
        # Programs set the client's time at will, and may forget the client.
        self._client, self._first_limit_s, self._state = weakref.ref(client), client.timeout, ""
        self.conversation = Conversation(peer, loop)
        self._dialog = self.conversation.dialog
        super().__init__(loop)
        # aioimaplib's names for what is ours now; programs read them.
        self.idle_queue = self._dialog.pushes
        self.pending_async_commands = self._dialog.asynchronous
        self._idle_event = self._dialog.idling
        self.state_condition = StateLock()

    @property
    def pending_sync_command(self) -> Pending | None:
        """The command that runs alone, if one does."""
        return self._dialog.sync

    @pending_sync_command.setter
    def pending_sync_command(self, pending: Pending | None) -> None:
        self._dialog.sync = pending

    @property
    def state(self) -> str:
        """One of aioimaplib's states: AUTH, SELECTED, LOGOUT."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state
        self.conversation.state_change.set()
        self.conversation.state_change.clear()

    def _limit_s(self) -> float:
        return getattr(self._client(), "timeout", self._first_limit_s)

    async def wait(self, state_regexp: str) -> None:
        """Return once the state matches. Raises: why it never will."""
        while not re.match(state_regexp, self.state):
            self.check()
            await self.conversation.state_change.wait()

    def attach(self, transport: asyncio.Transport, capabilities: frozenset[str]) -> None:
        """Take over `transport`, on which somebody is logged in already."""
        self.transport = transport
        self.conversation.attach(transport)
        self.capabilities = capabilities
        self.imap_version = next((v for v in _VERSIONS if v in self.capabilities), None)
        self.state = aioimaplib.AUTH

    def data_received(self, data: bytes) -> None:
        """Read `data`. What is wrong with it ends the session; nothing is raised here."""
        self.conversation.receive(bytes(data))

    def eof_received(self) -> None:
        """Fail what is pending: no answer can come any more. The transport closes itself."""
        self.conversation.lose(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is pending, with the transport's reason."""
        self.conversation.lose(exc)
        if self.conn_lost_cb is not None:
            self.conn_lost_cb(exc)

    def check(self) -> None:
        """Raise what ended the session, if it has ended."""
        self.conversation.check()

    async def execute(
        self,
        command: aioimaplib.Command,
        scrub: str | None = None,  # noqa: ARG002 - aioimaplib's signature; we log no content at all
    ) -> aioimaplib.Response:
        """Send `command` when its turn comes, and return its answer.

        Raises: why the session ended; `CommandDeadlineError`. That, or to cancel the call when the
        command was sent, ends the session.
        """
        silence_s = take_timeout(command)
        # append() leaves it here in the same step of the loop, so it is this command's.
        literal, self.literal_data = self.literal_data, None
        self.check()
        if self.state not in aioimaplib.Commands[command.name].valid_states:
            raise aioimaplib.Abort(f"command {command.name} illegal in state {self.state}")
        pending = self._pending(command, literal)
        del command  # it has an event of its own: 1.4 KiB for as long as an IDLE lasts
        pending.is_patient = silence_s is not None or pending.is_idle
        await self.conversation.ask(pending, timeout_s=silence_s or self._limit_s())
        return aioimaplib.Response(pending.result, pending.lines)

    def _pending(self, command: aioimaplib.Command, literal: bytes | None) -> Pending:
        return Pending(
            name=command.name,
            tag=command.tag,
            slot=command.untagged_resp_name,
            is_sync=aioimaplib.Commands[command.name].exec is aioimaplib.Exec.is_sync,
            wire=f"{command}\r\n".encode(),
            literal=literal if command.name == "APPEND" else None,
            ended=self.loop.create_future(),
            late=CommandDeadlineError,
        )

    async def append(
        self,
        message_bytes: bytes,
        mailbox: str = "INBOX",
        flags: str | None = None,
        date: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109 - aioimaplib's signature
    ) -> aioimaplib.Response:
        """Append a message; `message_bytes` may be anything bytes-like, but no text."""
        message = bytes(memoryview(message_bytes))
        return await super().append(message, mailbox, flags, date, timeout)

    async def wait_async_pending_commands(self) -> None:
        """Return when the commands that run now have ended, well or badly."""
        if running := [pending.ended for pending in self.pending_async_commands.values()]:
            await asyncio.wait(running)

    async def wait_for_idle_response(self) -> None:
        """Return once the server idles. Raises: why the session ended."""
        while not self._idle_event.is_set():
            await self._idle_event.wait()
        self.check()

    def idle_done(self) -> None:
        """End the IDLE; without one, nothing happens. The server has a command's time for it."""
        self.conversation.idle_done(timeout_s=self._limit_s())

    def send(self, line: str, scrub: str | None = None) -> None:  # noqa: ARG002 - see execute()
        """Write a line, and log nothing of it."""
        self.conversation.write(f"{line}\r\n".encode())


class IMAPClient(aioimaplib.IMAP4):  # type: ignore[misc]  # the base is untyped
    """An `aioimaplib.IMAP4` on a connection of ours: made by `hand_over`, logged in.

    When the session ends, whatever waits raises a `SecureMailError` that says why, and so does
    every later command. A command that is cancelled or timed out ends the session.
    """

    protocol: IMAPProtocol
    timeout: float
    _idle_waiter: asyncio.TimerHandle | None

    def create_client(
        self, host: str, port: int, loop: asyncio.AbstractEventLoop | None, *_: Any
    ) -> None:
        """Make the protocol. It has its connection from `hand_over`."""
        self.protocol = IMAPProtocol(f"{host}:{port}", loop or asyncio.get_running_loop(), self)
        self.tasks = self.protocol.tasks  # one set for both: it is as large empty as with four

    async def learn_capabilities(self) -> None:
        """Ask for the capabilities. Raises: ProtocolError when the answer lists none."""
        is_listed = False
        with contextlib.suppress(aioimaplib.Error, IndexError, UnicodeDecodeError):
            await self.protocol.capability()
            is_listed = True
        if not is_listed:
            # Without what aioimaplib raised: it holds the server's answer.
            raise ProtocolError("the server does not list its capabilities after login")
        names = [name.encode() for name in self.protocol.capabilities]
        self.protocol.capabilities = parse_capabilities(names)

    async def leave(self) -> None:
        """Log out, if nothing else is being asked. Never raises but when cancelled."""
        if self.protocol.pending_sync_command or self.protocol.pending_async_commands:
            return
        with contextlib.suppress(SecureMailError):
            await commands_of(self).ask("LOGOUT")

    async def wait_hello_from_server(self) -> None:
        """Return at once: the greeting was read before the login."""
        self.protocol.check()

    async def wait_server_push(
        self,
        timeout: float | None = aioimaplib.TWENTY_NINE_MINUTES,  # noqa: ASYNC109 - as above
    ) -> list[AnswerLine]:
        """Return the next push. Raises: `TimeoutError`; after the last, why the session ended."""
        # Not wait_for(): on Python 3.11 a cancellation and a push at once lose one of the two.
        async with asyncio.timeout(timeout):
            return await self.protocol.idle_queue.get()

    async def idle(self) -> aioimaplib.Response:
        """Return the answer to IDLE, once `idle_done` or the server has ended it."""
        try:
            return await self.protocol.idle()
        finally:
            if self._idle_waiter is not None:
                self._idle_waiter.cancel()

    async def idle_start(
        self,
        timeout: float = aioimaplib.TWENTY_NINE_MINUTES,  # noqa: ASYNC109 - as above
    ) -> asyncio.Future[aioimaplib.Response]:
        """Return the future answer to IDLE, once the server idles.

        After `timeout` seconds, `wait_server_push` returns aioimaplib's stop mark.
        """
        if self._idle_waiter is not None:
            self._idle_waiter.cancel()
        idle = kept(self.idle(), "IDLE", self.tasks)
        begun = kept(self.protocol.wait_for_idle_response(), "IDLE begins", self.tasks)
        try:
            await asyncio.wait({idle, begun}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await cancelled(idle)
            raise
        finally:
            begun.cancel()  # not awaited: cancelled there, an IDLE would go on that nobody ends
        if not self.has_pending_idle():
            await idle  # raises the reason, unless it is a plain NO
            raise aioimaplib.Abort("server returned error to IDLE command")
        self._idle_waiter = self.protocol.loop.call_later(timeout, self._stop_waiting)
        return idle

    def _stop_waiting(self) -> None:
        if self.has_pending_idle():
            self.protocol.idle_queue.put_nowait(aioimaplib.STOP_WAIT_SERVER_PUSH)


# Each command has its time in IMAPProtocol.execute().
unbound(
    IMAPClient,
    "logout select search uid_search store copy expunge id namespace noop check examine status "
    "subscribe unsubscribe lsub create delete rename getquotaroot list close move enable",
)
