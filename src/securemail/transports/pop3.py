# SPDX-License-Identifier: Apache-2.0
"""A POP3 client on a connection of ours (RFC 1939, RFC 2449, RFC 6856)."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import partial
from itertools import islice
from typing import Final, TypeVar, overload

from securemail import limits
from securemail.errors import ProtocolError, UsageError
from securemail.sasl.redactor import NOTHING, Redactor
from securemail.transports.listing import (
    Language,
    MailboxSize,
    MessageSize,
    UniqueID,
    about,
    language,
    lines_of,
    mailbox_size,
    message_size,
    unique_id,
)
from securemail.transports.pipeline import Pipeline, window_of
from securemail.transports.request import Request
from securemail.wire.pop3 import arguments

T = TypeVar("T")

# RFC 5646 in outline, or "*" for the server's choice: what cannot be a second command.
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,15}|\*")


def hand_over(
    transport: asyncio.Transport,
    *,
    peer: str,
    capabilities: frozenset[str],
    early: bytes,
    timeout_s: float,
    is_utf8: bool = False,
    redactor: Redactor = NOTHING,
) -> POP3Client:
    """Return a client that is logged in on `transport`, a connection past its gate.

    `early` is what arrived behind the reply to the login; `is_utf8` tells whether the server took
    UTF8 before it; `redactor` is for what our errors quote. Not checked:
    that the transport is protected.

    Raises: ProtocolError when there is any: nothing was asked yet; why the line dropped.
    """
    window = window_of(capabilities)
    pipeline = Pipeline(transport, peer, window=window, timeout_s=timeout_s, redactor=redactor)
    transport.set_protocol(pipeline)
    if early:
        pipeline.data_received(early)
    if transport.is_closing():
        pipeline.connection_lost(getattr(transport, "error", None))
    pipeline.check()
    return POP3Client(pipeline, capabilities, is_utf8=is_utf8)


class POP3Client:
    """A mailbox that is open to this session alone.

    **Nothing is deleted before `quit()`.** `dele()` only marks; whoever leaves in any other way
    (`session.aclose()`, the end of `async with`, an error, a cancellation, a line that drops) finds
    all messages there next time (RFC 1939 section 6).

    Commands of several tasks are sent in the order of their calls. A refusal is a `CommandError`,
    and the session goes on; any other error ends it and is raised for every later call. A command
    that is cancelled, or not answered in time, ends the session, too: its answer would be taken
    for the next command's. Numbers that are none are a UsageError, and nothing is sent.

    `is_utf8` tells whether the server has agreed to send messages in UTF-8 as they are, headers
    included (RFC 6856 section 2): only if it was asked, by `connect_pop3(..., utf8=True)`.
    """

    def __init__(
        self, pipeline: Pipeline, capabilities: frozenset[str], *, is_utf8: bool = False
    ) -> None:
        self.capabilities = capabilities
        self.is_utf8 = is_utf8
        self._pipeline = pipeline

    # --- what there is

    async def stat(self) -> MailboxSize:
        """Return how many messages there are, and their size."""
        return self._parsed(await self._ask("STAT"), mailbox_size)

    @overload
    async def list(self) -> tuple[MessageSize, ...]: ...
    @overload
    async def list(self, number: int) -> MessageSize: ...
    async def list(self, number: int | None = None) -> tuple[MessageSize, ...] | MessageSize:
        """Return the size of each message, or of the one with that number."""
        return await self._listed("LIST", number, message_size)

    @overload
    async def uidl(self) -> tuple[UniqueID, ...]: ...
    @overload
    async def uidl(self, number: int) -> UniqueID: ...
    async def uidl(self, number: int | None = None) -> tuple[UniqueID, ...] | UniqueID:
        """Return the unique id of each message, or of the one with that number.

        Programs that leave messages on the server know by it what they have seen.
        """
        return await self._listed("UIDL", number, unique_id)

    # --- messages

    async def retr(self, number: int) -> bytes:
        """Return a message: its octets as they are, lines ended by CRLF.

        It may have `limits.LITERAL_BYTES`; `retr_stream` does not hold it.
        """
        return await self._text(_request("RETR", _message(number), max_bytes=limits.LITERAL_BYTES))

    async def retr_stream(self, number: int) -> AsyncGenerator[bytes, None]:
        """Yield a message piece by piece, holding what one read brings and no more: 80 KiB at most.

        While nobody asks for the next piece, nothing is read from the server, and other commands
        wait for the end. An iteration that is left early lets the rest pass unread: use
        `contextlib.aclosing`. Only an end without an error is the end of the message.
        """
        request = _request(
            "RETR",
            _message(number),
            max_bytes=limits.LITERAL_BYTES,
            is_streamed=True,
            may_overlap=False,
        )
        self._pipeline.submit(request)
        try:
            while piece := await self._pipeline.piece(request):
                yield piece
        finally:
            self._pipeline.drop(request)

    async def retr_many(self, numbers: Iterable[int]) -> AsyncGenerator[bytes, None]:
        """Yield these messages in this order, asking ahead of what was taken.

        Where the server offers PIPELINING, up to `limits.POP3_WINDOW` are on their way at once, and
        about `limits.POP3_WAITING_BYTES` wait to be taken: large messages are asked for one at a
        time. Other commands may be given in between, and wait for those that were asked for. An
        iteration that is left early lets the rest pass unread: use `contextlib.aclosing`.

        Raises: CommandError for the first message that the server refuses; the rest is not asked.
        """
        # Checked before the first is sent: a mistake in the middle would be found too late.
        left = iter([_message(number) for number in numbers])
        asked: deque[Request] = deque()
        ahead = _START_WINDOW
        try:
            while True:
                # Half a window at a time: one write for many commands.
                if len(asked) <= ahead // 2:
                    more = [_retr(number) for number in islice(left, ahead - len(asked))]
                    self._pipeline.submit(*more)
                    asked.extend(more)
                if not asked:
                    return
                message = await self._pipeline.finish(asked[0])
                asked.popleft()
                ahead = _window(len(message), ahead)
                yield message
        finally:
            self._pipeline.drop(*asked)

    async def top(self, number: int, lines: int) -> bytes:
        """Return a message's header, the empty line, and so many lines of its body."""
        if isinstance(lines, bool) or not isinstance(lines, int) or lines < 0:
            raise UsageError(f"{lines!r} is not a number of lines", field="lines")
        text = f"{_message(number)} {lines}"
        return await self._text(_request("TOP", text, max_bytes=limits.LITERAL_BYTES))

    # --- changes

    async def dele(self, number: int) -> None:
        """Mark a message as deleted. It is deleted by `quit()`, and by nothing else."""
        await self._ask("DELE", _message(number))

    async def rset(self) -> None:
        """Take all marks away."""
        await self._ask("RSET")

    async def quit(self) -> None:
        """Delete what is marked, and close the connection.

        Raises: CommandError when the server could not delete all of it; the connection is closed
        then, too. After a ConnectError or DeadlineError nobody knows whether it did.
        """
        request = _request("QUIT", may_overlap=False)
        self._pipeline.submit(request)
        try:
            await self._pipeline.finish(request)
        finally:
            self._pipeline.close("QUIT")

    # --- the session

    async def noop(self) -> None:
        """Do nothing, but keep the server from closing an idle session."""
        await self._ask("NOOP")

    @overload
    async def lang(self) -> tuple[Language, ...]: ...
    @overload
    async def lang(self, tag: str) -> str: ...
    async def lang(self, tag: str | None = None) -> tuple[Language, ...] | str:
        """Return the languages of the server's words; with a tag, choose one and return its tag.

        Raises: UsageError when the server does not offer LANG (RFC 6856 section 3).
        """
        self._require("LANG")
        if tag is None:
            return await self._all("LANG", language)
        if not _LANGUAGE.fullmatch(tag):
            raise UsageError(f"{tag!r} is not a language tag", field="tag")
        status = await self._ask("LANG", tag)
        return status.split(b" ")[0].decode("ascii", "replace")

    def _require(self, tag: str) -> None:
        if arguments(self.capabilities, tag) is None:
            raise UsageError(f"{self._pipeline.peer} does not offer {tag}", field=tag.lower())

    # --- asking

    async def _ask(self, name: str, argument: str = "") -> bytes:
        """Return what stands behind +OK."""
        request = _request(name, argument)
        await self._text(request)
        return request.status.text if request.status else b""

    async def _text(self, request: Request) -> bytes:
        self._pipeline.submit(request)
        return await self._pipeline.finish(request)

    async def _listed(
        self, name: str, number: int | None, parse: Callable[[bytes], T]
    ) -> tuple[T, ...] | T:
        if number is None:
            return await self._all(name, parse)
        answer = self._ask(name, _message(number))
        return self._parsed(await answer, partial(about, name, number, parse))

    async def _all(self, name: str, parse: Callable[[bytes], T]) -> tuple[T, ...]:
        answer = self._text(_request(name, max_bytes=limits.POP3_LISTING_BYTES))
        return self._parsed(await answer, lambda text: tuple(map(parse, lines_of(name, text))))

    def _parsed(self, text: bytes, parse: Callable[[bytes], T]) -> T:
        """Return what `text` says. What is nonsense ends the session."""
        try:
            return parse(text)
        except ProtocolError as exc:
            ended = self._pipeline.abort(exc)
        # What the server sent stays in no frame that is shown.
        del text
        raise ended


# Before anything is known of the messages' sizes.
_START_WINDOW: Final = 4


def _window(size: int, ahead: int) -> int:
    """Return how many messages to ask for ahead, when the last one had that size.

    Twice as many as before at most, so that one small message does not let 32 large ones in.
    """
    fitting = limits.POP3_WAITING_BYTES // max(size, 1)
    return max(1, min(fitting, 2 * ahead, limits.POP3_WINDOW))


def _request(
    name: str,
    argument: str = "",
    *,
    max_bytes: int | None = None,
    is_streamed: bool = False,
    may_overlap: bool = True,
) -> Request:
    line = f"{name} {argument}\r\n" if argument else f"{name}\r\n"
    return Request(name, line.encode("ascii"), max_bytes, is_streamed, may_overlap)


def _retr(number: str) -> Request:
    return _request("RETR", number, max_bytes=limits.LITERAL_BYTES)


def _message(number: int) -> str:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"{number!r} is not the number of a message", field="number")
    return str(number)
