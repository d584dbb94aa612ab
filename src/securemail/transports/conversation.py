# SPDX-License-Identifier: Apache-2.0
"""An IMAP dialog on a connection: commands that end in time, and one end for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from securemail.aio.bell import Bell
from securemail.aio.fresh import fresh
from securemail.errors import ConnectError, SecureMailError, UsageError
from securemail.transports.cause import connection_lost, located
from securemail.transports.compressed import CompressedLine
from securemail.transports.dialog import Dialog
from securemail.transports.pending import Pending

_log: Final = logging.getLogger("securemail.transports.imap")


class Conversation:
    """What goes on between the program and the server at `peer`, until it is over.

    Whoever waits when it ends, and whoever comes later, gets the reason as an error of his own.
    """

    __slots__ = (
        "_compressed",
        "_compression",
        "_failure",
        "_loop",
        "_transport",
        "dialog",
        "peer",
        "state_change",
    )

    def __init__(self, peer: str, loop: asyncio.AbstractEventLoop) -> None:
        self.peer = peer
        self.dialog = Dialog(self.write)
        self.state_change = Bell()
        self._transport: asyncio.Transport | None = None
        self._compression: Pending | None = None
        self._compressed: CompressedLine | None = None
        self._loop = loop
        self._failure: SecureMailError | None = None

    def attach(self, transport: asyncio.Transport) -> None:
        """Speak on `transport` from now on."""
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send `data`, and log nothing of it; after the end, nothing is sent."""
        if self._failure is not None:
            return
        if (compressed := self._agreed()) is not None:
            compressed.write(data)
        elif self._transport is not None:
            self._transport.write(data)

    def check(self) -> None:
        """Raise what ended the conversation, if it has ended."""
        if self._failure is not None:
            raise fresh(self._failure)

    def receive(self, data: bytes) -> None:
        """Take what the server sent. What is wrong with it ends the conversation."""
        if self._compression is None:
            self._take(data)
            return
        # What follows the CRLF of the OK is compressed, in the same segment or not (RFC 4978).
        at = 0
        while at < len(data) and self._agreed() is None:
            end = data.find(b"\n", at) + 1 or len(data)
            self._take(data[at:end])
            at = end
        if at < len(data) and (compressed := self._agreed()) is not None:
            compressed.receive(data[at:])

    def _take(self, data: bytes) -> None:
        if self._failure is not None:
            return
        try:
            self.dialog.receive(data)
        except SecureMailError as error:
            self._abort(located(error, self.peer, self.dialog.redactor))

    def _refuse(self, error: SecureMailError) -> None:
        self._abort(located(error, self.peer, self.dialog.redactor))

    async def compress(self, tag: str, *, timeout_s: float) -> bool:
        """Ask for compression (RFC 4978), and return whether it is in force.

        Other commands wait meanwhile.

        Raises: UsageError when it was asked for already; DeadlineError; why the session ended.
        """
        self.check()
        if self._compression is not None:
            raise UsageError("was asked for already", field="compress")
        self._compression = Pending(
            name="COMPRESS",
            tag=tag,
            slot="COMPRESS",
            is_sync=True,
            wire=f"{tag} COMPRESS DEFLATE\r\n".encode(),
            ended=self._loop.create_future(),
        )
        await self.ask(self._compression, timeout_s=timeout_s)
        self.check()
        if self._agreed() is None:
            self._compression = None
        return self._compressed is not None

    def _agreed(self) -> CompressedLine | None:
        """Return the compressed line from the moment on at which the server said OK to it.

        Asked before each octet in or out: the next command leaves in the step that reads the OK.
        """
        asked, transport = self._compression, self._transport
        if self._compressed is None and asked and transport and asked.result == "OK":
            self._compressed = CompressedLine(transport, self._take, self._refuse)
        return self._compressed

    def lose(self, error: Exception | None) -> None:
        """End because the connection is gone; `error` is the transport's reason, if it has one."""
        self._end(connection_lost(self.peer, error, self.dialog.last_words))

    def ask(self, pending: Pending, *, timeout_s: float) -> Coroutine[Any, Any, None]:
        """Ask, and return what to await for the answer; it raises `late` after `timeout_s`.

        An IDLE may be silent between its beginning and `idle_done`. Giving up on a command that was
        sent ends the conversation: nobody would know any more whose answer comes next.
        """
        self.dialog.ask(pending)
        return self.answered(pending, timeout_s=timeout_s)

    async def answered(self, pending: Pending, *, timeout_s: float) -> None:
        """Return when a command that was asked has its answer; otherwise as `ask`."""
        watch = self._watch if pending.is_patient else self.expire
        pending.timer = self._loop.call_later(timeout_s, watch, pending, timeout_s)
        pending.progress = self._progress(pending)
        try:
            await pending.ended
        except asyncio.CancelledError:
            self._give_up(pending, "was cancelled or timed out")
            raise
        finally:
            if pending.timer is not None:
                pending.timer.cancel()
        if pending.error is not None:
            raise fresh(pending.error)

    def idle_done(self, *, timeout_s: float) -> None:
        """End the IDLE; without one, nothing happens."""
        idle = self.dialog.idle_done()
        if idle is not None:
            if idle.timer is not None:
                idle.timer.cancel()
            idle.timer = self._loop.call_later(timeout_s, self.expire, idle, timeout_s)

    def _watch(self, pending: Pending, timeout_s: float) -> None:
        # A timer that looks is 1.7 times as fast as one that is set anew for each line. What counts
        # is progress of this command: a server may say "* OK still here" for ever.
        progress = self._progress(pending)
        if progress != pending.progress:
            pending.progress = progress
            pending.timer = self._loop.call_later(timeout_s, self._watch, pending, timeout_s)
        elif not self.dialog.is_idling(pending):
            self.expire(pending, timeout_s)

    def expire(self, pending: Pending, timeout_s: float) -> None:
        """Fail a command that was not answered in time."""
        pending.end(pending.late(self.peer, pending.name, timeout_s))
        self._give_up(pending, f"timed out after {timeout_s:g} s")

    def _progress(self, pending: Pending) -> tuple[int, ...]:
        """Return what changes as long as the command is getting somewhere."""
        waiting = self._transport.get_write_buffer_size() if self._transport else 0
        if self._compressed is not None:
            waiting += self._compressed.waiting_bytes
        return (pending.size, len(pending.lines[-1]) if pending.lines else 0, waiting)

    def _give_up(self, pending: Pending, why: str) -> None:
        if not self.dialog.withdraw(pending):
            message = f"{self.peer}: closed because {pending.name} {why}"
            self._abort(ConnectError(message, phase="command"))

    def _abort(self, error: SecureMailError) -> None:
        self._end(error)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: SecureMailError) -> None:
        # The first reason is the one that counts: ours, when we aborted.
        if self._failure is None:
            _log.debug("%s: the session is over: %s", self.peer, type(error).__name__)
            self._failure = error
            self.dialog.end(error)
            if self._compressed is not None:
                self._compressed.close()
            self._compressed = self._compression = None
            self.state_change.set()
            self.state_change.clear()
