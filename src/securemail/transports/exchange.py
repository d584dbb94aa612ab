# SPDX-License-Identifier: Apache-2.0
"""Commands and replies of SMTP on a connection of ours, and one end for all of them (RFC 5321).

Knows no client library.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from securemail import limits
from securemail.aio.fresh import fresh
from securemail.errors import (
    ConnectError,
    DeadlineError,
    ProtocolError,
    SecureMailError,
    UnknownOutcome,
)
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.transports.cause import connection_lost, located
from securemail.wire.smtp import Answer, AnswerReader

_CLOSING: Final = 421
_END_OF_DATA: Final = b".\r\n"
_UNKNOWN: Final = "the message may have been accepted, or not"


class Exchange(asyncio.Protocol):
    """What goes on between the program and the server at `peer`, until it is over.

    One command, or one group of them, at a time; whoever comes meanwhile waits. Giving up on a
    command that was sent ends all: nobody would know any more whose answer comes next.
    """

    def __init__(
        self, transport: asyncio.Transport, peer: str, redactor: Redactor = NOTHING
    ) -> None:
        self.peer: Final = peer
        self.redactor: Final = redactor
        self._transport = transport
        self._reader = AnswerReader()
        self._waiting: deque[asyncio.Future[Answer | None]] = deque()
        self._turn = asyncio.Lock()
        self._drained: asyncio.Future[None] | None = None
        self._failure: SecureMailError | None = None
        self._last_words = ""

    # --- what the transport tells

    def data_received(self, data: bytes) -> None:
        """Take what the server sent. What is wrong with it ends everything."""
        if self._failure is not None:
            return
        try:
            for answer in self._reader.feed(data):
                self._take(answer)
        except SecureMailError as exc:
            self._abort(located(exc, self.peer, self.redactor))

    def said(self, answer: Answer) -> str:
        """Return the words of an answer, without the secrets of the login."""
        # A refusal was seen to as it came: `_take`.
        return answer.words if answer.kind > 3 else self.redactor.words(b" ".join(answer.lines))

    def _take(self, answer: Answer) -> None:
        if answer.kind > 3:
            # What is refused goes into errors, and into aiosmtplib's as it stands.
            answer = self._harmless(answer)
        if answer.code == _CLOSING:
            self._last_words = str(answer)
        if self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(answer)
        elif answer.code != _CLOSING:
            # Kept, it would be taken for the answer to the next command.
            raise ProtocolError(f"the server said {str(answer)!r} before it was asked anything")
        if answer.code == _CLOSING:
            self.connection_lost(None)
            self._transport.close()

    def _harmless(self, answer: Answer) -> Answer:
        """Return the answer as it is, or where it holds a secret or is too long, its words."""
        said = self.redactor.words(b" ".join(answer.lines))
        is_long = sum(map(len, answer.lines)) > limits.WORDS_CHARS
        return Answer(answer.code, (said.encode(),)) if is_long or said != answer.words else answer

    def eof_received(self) -> None:
        """Fail who waits: no answer can come any more. The transport closes itself."""
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail who waits, with the transport's reason."""
        self._end(connection_lost(self.peer, exc, self._last_words))

    def pause_writing(self) -> None:
        """Note that the socket does not take more."""
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Note that it does again."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # --- commands

    async def ask(self, line: bytes, *, timeout_s: float | None) -> Answer:
        """Send one command, CRLF included, and return the answer.

        Raises: DeadlineError, ProtocolError, and why the connection ended. It is over then.
        """
        async with self._turn:
            (answer,) = await self._ask([line], timeout_s)
            return answer

    async def ask_all(self, lines: Sequence[bytes], *, timeout_s: float | None) -> list[Answer]:
        """Send commands in one flight (RFC 2920) and return their answers. Raises: as `ask`."""
        async with self._turn:
            return await self._ask(lines, timeout_s)

    async def deliver(
        self, pieces: Iterable[bytes], *, timeout_s: float | None, reply_s: float | None
    ) -> tuple[Answer, bool]:
        """Send DATA, the pieces and the end; return the last answer, and whether that is to DATA.

        Each piece is made when the socket has taken the one before. `timeout_s` bounds the wait
        for each, `reply_s` the one for the last answer.

        Raises: UnknownOutcome for everything that goes wrong once the end was sent, and as the
        cause of CancelledError; before it as `ask`, and the server has accepted nothing.
        """
        async with self._turn:
            (answer,) = await self._ask([b"DATA\r\n"], timeout_s)
            if answer.kind != 3:
                return answer, True
            try:
                for piece in pieces:
                    self.check()
                    self._transport.write(piece)
                    await self._drain(timeout_s)
            except BaseException:
                # The server takes whatever comes next for more of the message.
                message = f"{self.peer}: closed in the middle of a message"
                self._abort(ConnectError(message, phase="command"))
                raise
            self._check_quiet()
            return await self._end_of_data(reply_s), False

    async def _end_of_data(self, reply_s: float | None) -> Answer:
        try:
            (answer,) = await self._ask([_END_OF_DATA], reply_s)
            if answer.kind == 3:
                said = self.redactor(str(answer))
                raise ProtocolError(f"{self.peer}: {said!r} is no answer to a message")
        except SecureMailError as exc:
            self.abort()
            raise UnknownOutcome(f"{_UNKNOWN}: {exc}") from exc
        except asyncio.CancelledError as exc:
            exc.__cause__ = UnknownOutcome(f"{_UNKNOWN}: {self.peer} was not waited for")
            raise
        return answer

    async def _ask(self, lines: Sequence[bytes], timeout_s: float | None) -> list[Answer]:
        self._check_quiet()
        loop = asyncio.get_running_loop()
        waiters: list[asyncio.Future[Answer | None]] = [loop.create_future() for _ in lines]
        self._waiting.extend(waiters)
        self._transport.write(b"".join(lines))
        return [await self._answer(waiter, timeout_s) for waiter in waiters]

    async def _answer(
        self, waiter: asyncio.Future[Answer | None], timeout_s: float | None
    ) -> Answer:
        await self._bounded(waiter, timeout_s)
        answer = waiter.result()
        if answer is None:
            self.check()
            raise ConnectError(f"{self.peer}: the connection was closed", phase="command")
        return answer

    def _check_quiet(self) -> None:
        if self._reader.has_begun:
            self._abort(ProtocolError(f"{self.peer}: an answer began before the command"))
        self.check()

    async def _drain(self, timeout_s: float | None) -> None:
        if self._drained is not None:
            await self._bounded(self._drained, timeout_s)
            self.check()  # before the next piece is made

    async def _bounded(self, waiting: asyncio.Future[Any], timeout_s: float | None) -> None:
        """Return when `waiting` is done, or all is over because it took too long."""
        if waiting.done():
            return
        # asyncio.wait would take another turn of the event loop for each answer.
        loop, late = asyncio.get_running_loop(), None
        if timeout_s is not None:
            late = loop.call_later(timeout_s, self._late, timeout_s)
        try:
            await waiting
        except asyncio.CancelledError:
            message = f"{self.peer}: closed because a command was cancelled"
            self._abort(ConnectError(message, phase="command"))
            raise
        finally:
            if late is not None:
                late.cancel()

    def _late(self, timeout_s: float) -> None:
        message = f"{self.peer} did not answer within {timeout_s:g} s"
        self._abort(DeadlineError(message, phase="command", seconds=timeout_s))

    # --- the end

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is asked."""
        return not self._turn.locked() and not self._waiting

    def check(self) -> None:
        """Raise what ended it all, if it has ended."""
        if self._failure is not None:
            raise fresh(self._failure)
        if self._transport.is_closing():
            raise ConnectError(f"{self.peer}: the connection was closed", phase="command")

    def close(self) -> None:
        """Close the connection properly."""
        self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def _abort(self, error: SecureMailError) -> None:
        self._end(error)
        self._transport.abort()

    def _end(self, error: SecureMailError) -> None:
        # The first reason is the one that counts: ours, when we aborted.
        if self._failure is not None:
            return
        self._failure = error
        self._reader = AnswerReader()  # the old one holds half a line
        self.resume_writing()
        while self._waiting:
            # Not with the error: raised from there it would hold the frame that holds the waiter.
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
