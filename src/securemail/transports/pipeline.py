# SPDX-License-Identifier: Apache-2.0
"""POP3 commands on one connection: in order, answered in order, with one end for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from securemail import limits
from securemail.aio.fresh import fresh
from securemail.errors import (
    CommandError,
    ConnectError,
    DeadlineError,
    LimitExceeded,
    ProtocolError,
    SecureMailError,
)
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.transports.cause import connection_lost, located
from securemail.transports.request import Request
from securemail.wire.multiline import AnswerReader

_log: Final = logging.getLogger("securemail.transports.pop3")


class Pipeline(asyncio.Protocol):
    """The protocol above a connection that is logged in to the server at `peer`.

    Up to `window` commands are on their way at once, of those that may overlap. A server that says
    nothing for `timeout_s` ends it all.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        peer: str,
        *,
        window: int,
        timeout_s: float,
        redactor: Redactor = NOTHING,
    ) -> None:
        self.peer = peer
        self._redactor = redactor
        self._transport = transport
        self._window = window
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Request] = deque()
        self._sent: deque[Request] = deque()
        self._reader: AnswerReader | None = None
        self._active_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._held = 0
        self._is_paused = False
        self._failure: SecureMailError | None = None

    # --- commands

    def submit(self, *requests: Request) -> None:
        """Send these as soon as it is their turn. Raises: what ended the session."""
        self._end_if_early()
        self.check()
        self._waiting.extend(requests)
        self._send()

    def _end_if_early(self) -> None:
        """End the session if a line has begun to which no command was sent."""
        if self._reader is not None and not self._sent:
            self.abort(ProtocolError("the server said something that nobody had asked for"))

    def check(self) -> None:
        """Raise what ended the session, if it has ended."""
        if self._failure is not None:
            raise fresh(self._failure)

    async def finish(self, request: Request) -> bytes:
        """Return the text of the answer, or what has not been taken of it yet.

        Raises: CommandError when the server refused; what ended the session. To cancel the call
        ends the session, if the command was sent: nobody would know whose answer comes next.
        """
        while not request.is_over:
            await self._news(request)
        if request.error is not None:
            raise fresh(request.error)
        if request.status is not None and not request.status.is_ok:
            words = self._redactor.words(request.status.text)
            message = f"{self.peer}: {request.name} was refused: {words!r}"
            raise CommandError(message, command=request.name, words=words)
        return self._take(request)

    async def piece(self, request: Request) -> bytes:
        """Return more of the text, b"" at its end; while nobody asks, nothing is read.

        Raises: as `finish`.
        """
        while not request.held and not request.is_over:
            self._resume()
            await self._news(request)
        return self._take(request) or await self.finish(request)

    async def _news(self, request: Request) -> None:
        request.news.clear()
        try:
            await request.news.wait()
        except asyncio.CancelledError:
            if not self._withdraw(request):
                self.abort(_closed_because(request, "was cancelled or timed out"))
            raise

    def drop(self, *requests: Request) -> None:
        """Take back what was not sent yet, and let the other answers pass unread."""
        for request in requests:
            request.is_abandoned = not self._withdraw(request)
        self._resume()

    def _withdraw(self, request: Request) -> bool:
        """Return whether no answer to it will come any more."""
        self._take(request)
        if request in self._waiting:
            self._waiting.remove(request)
            request.end()
        return request.is_over

    def _take(self, request: Request) -> bytes:
        self._held -= request.held
        return request.take()

    def _send(self) -> None:
        ready: list[Request] = []
        while self._waiting and self._may_send(self._waiting[0]):
            request = self._waiting.popleft()
            self._sent.append(request)
            ready.append(request)
        if ready:
            if len(ready) == len(self._sent):
                self._next_answer()
            self._transport.write(b"".join(request.wire for request in ready))

    def _may_send(self, request: Request) -> bool:
        if not self._sent:
            return True
        may_overlap = request.may_overlap and self._sent[-1].may_overlap
        return may_overlap and len(self._sent) < self._window

    # --- answers

    def data_received(self, data: bytes) -> None:
        """Read `data`. What is wrong with it ends the session; nothing is raised here."""
        rest: bytes | None = bytes(data)
        try:
            while rest and self._failure is None:
                rest = self._read(rest)
            if self._waiting:
                self._end_if_early()
            # Not before: what has come so far can be no answer to what is sent now.
            self._send()
        except SecureMailError as error:
            self.abort(error)

    def _read(self, data: bytes) -> bytes | None:
        """Read what belongs to the first answer, and return what follows it."""
        if self._reader is None:
            self._reader = AnswerReader(is_multiline=False)
        was_begun = self._reader.status is not None
        text, rest = self._reader.feed(data)
        if text or (self._reader.status is not None and not was_begun):
            # Not for less than a line: a server that sends it octet by octet is late.
            self._active_at = self._loop.time()
        if not self._sent:
            self._read_stray(self._reader)
            return None
        request = self._sent[0]
        if text:
            self._keep(request, text)
        if rest is not None:
            self._answered(request, self._reader)
        elif request.is_streamed and request.held:
            self._pause()
        return rest

    def _keep(self, request: Request, text: bytes) -> None:
        request.count(len(text))
        if request.is_abandoned:
            return
        request.add(text)
        self._held += len(text)
        if self._held > (limit := limits.ANSWER_BYTES):
            raise LimitExceeded(f"more than {limit} bytes of answers are waiting", limit=limit)

    def _read_stray(self, reader: AnswerReader) -> None:
        if reader.status is None:
            return
        if reader.status.is_ok:
            raise ProtocolError("the server answered a command that we did not send")
        # Dovecot takes its leave like this.
        raise ConnectError(f"the server said: {reader.status.words}", phase="command")

    def _answered(self, request: Request, reader: AnswerReader) -> None:
        _log.debug("%s: %s: %d bytes", self.peer, request.name, request.size)
        self._sent.popleft()
        request.status = reader.status
        request.end()
        self._reader = None
        if self._sent:
            self._next_answer()

    def _next_answer(self) -> None:
        self._reader = AnswerReader(is_multiline=self._sent[0].max_bytes is not None)
        self._active_at = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._watch)

    # --- back-pressure

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._active_at = self._loop.time()
            if not self._transport.is_closing():
                self._transport.resume_reading()

    # --- the end

    def _watch(self) -> None:
        # A timer that looks is cheaper than one that is set anew for each piece.
        self._timer = None
        if not self._sent or self._failure is not None:
            return
        left = self._active_at + self._timeout_s - self._loop.time()
        if self._is_paused and not self._waiting:
            left = self._timeout_s  # it is the program that takes its time
        if left > 0:
            self._timer = self._loop.call_later(left, self._watch)
            return
        request = self._sent[0]
        who = "nobody reads what it brings" if self._is_paused else "the server is silent"
        message = f"{self.peer}: {request.name} timed out after {self._timeout_s:g} s: {who}"
        request.end(DeadlineError(message, phase="command", seconds=self._timeout_s))
        self.abort(_closed_because(request, "timed out"))

    def eof_received(self) -> None:
        """Fail what is pending: no answer can come any more. The transport closes itself."""
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is pending, with the transport's reason."""
        self._end(connection_lost(self.peer, exc, ""))

    def close(self, why: str) -> None:
        """Close the connection in order, because of `why`."""
        self._end(ConnectError(f"{self.peer}: the session is over: {why}", phase="command"))
        self._transport.close()

    def abort(self, error: SecureMailError) -> SecureMailError:
        """Close the connection at once, because of `error`, and return what to raise instead."""
        self._end(ended := located(error, self.peer, self._redactor))
        self._transport.abort()
        return fresh(ended)

    def _end(self, error: SecureMailError) -> None:
        # The first reason is the one that counts: ours, when we aborted.
        if self._failure is not None:
            return
        _log.debug("%s: the session is over: %s", self.peer, type(error).__name__)
        self._failure = error
        self._reader = None  # it holds what the server said last
        if self._timer is not None:
            self._timer.cancel()
        for request in (*self._sent, *self._waiting):
            request.end(fresh(error))
        self._sent.clear()
        self._waiting.clear()


def _closed_because(request: Request, why: str) -> ConnectError:
    return ConnectError(f"closed because {request.name} {why}", phase="command")


def window_of(capabilities: frozenset[str]) -> int:
    """Return how many commands may be on their way at once (RFC 2449 section 6.6)."""
    return limits.POP3_WINDOW if "PIPELINING" in capabilities else 1
