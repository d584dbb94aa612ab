# SPDX-License-Identifier: Apache-2.0
"""IMAP commands, each alone on its line, with all that the server says meanwhile (RFC 3501).

aioimaplib sorts untagged responses by the command that they answer, and drops the others: a message
that arrives during a search would go unnoticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from securemail.errors import CommandError, DeadlineError, UsageError
from securemail.transports.conversation import Conversation
from securemail.transports.pending import AnswerLine, Pending


class Commands:
    """Commands on the conversation of an IMAP client that nobody else uses.

    `new_tag` is the client's. Each command that is not answered for `timeout_s` seconds, or is
    cancelled, ends the session.
    """

    def __init__(
        self, conversation: Conversation, new_tag: Callable[[], str], *, timeout_s: float
    ) -> None:
        self._conversation = conversation
        self._new_tag = new_tag
        self._timeout_s: Final = timeout_s
        self._idle: Pending | None = None
        self._has_missed = False

    @property
    def has_missed(self) -> bool:
        """Whether the server said anything while nothing was asked, since `start_anew`."""
        return self._has_missed or self._conversation.dialog.unheard > 0

    def forgot(self) -> None:
        """Take note that something was heard and never used: it counts as missed."""
        self._has_missed = True

    def start_anew(self) -> None:
        """Forget what was missed; call it right before a command that makes up for it."""
        self._has_missed = False
        self._conversation.dialog.unheard = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is asked, and all that was pushed has been taken."""
        dialog = self._conversation.dialog
        return dialog.is_quiet and dialog.pushes.empty()

    async def ask(self, text: str, *, max_bytes: int | None = None) -> list[AnswerLine]:
        """Send a command and return every untagged response up to its answer, without the "* ".

        `max_bytes` is for what may be answered, where that is less than `limits.ANSWER_BYTES`.

        Raises: LimitExceeded for more; CommandError when the server refuses; DeadlineError; why
        the session ended.
        """
        self._conversation.check()
        pending = self._pending(text)
        pending.max_bytes = max_bytes
        self._has_missed = self.has_missed
        await self._conversation.ask(pending, timeout_s=self._timeout_s)
        return self._lines(pending)

    async def begin_idle(self) -> None:
        """Let the server push (RFC 2177); without effect while it does.

        Raises: as `ask`.
        """
        if self._idle is not None:
            return
        self._conversation.check()
        idle = self._pending("IDLE")
        self._has_missed = self.has_missed
        self._conversation.dialog.ask(idle)
        # Remembered before it is awaited: a cancelled call must not leave an IDLE behind.
        self._idle = idle
        begun = asyncio.ensure_future(self._conversation.dialog.idling.wait())
        either: set[asyncio.Future[Any]] = {begun, idle.ended}
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await self._idle_answered(timeout_s=0)
        finally:
            begun.cancel()
            await asyncio.wait({begun})
        if idle.ended.done():
            await self._idle_answered(timeout_s=self._timeout_s)

    async def pushed(self, *, wait_s: float) -> list[AnswerLine] | None:
        """Return the next push, or None when there is none within `wait_s` seconds.

        Raises: why the session ended.
        """
        try:
            # Not wait_for(): on Python 3.11 a cancellation and a push at once lose one of the two.
            async with asyncio.timeout(wait_s):
                return await self._conversation.dialog.pushes.get()
        except TimeoutError:
            return None

    async def end_idle(self) -> list[AnswerLine]:
        """End the IDLE, if there is one, and return what was pushed and not taken.

        Raises: as `ask`. A server that does not answer to DONE is one that is gone.
        """
        if self._idle is not None:
            self._conversation.dialog.idle_done()
            await self._idle_answered(timeout_s=self._timeout_s)
        pushes = self._conversation.dialog.pushes
        lines: list[AnswerLine] = []
        while not pushes.empty():
            lines += pushes.get_nowait()
        return lines

    async def _idle_answered(self, *, timeout_s: float) -> None:
        idle = self._idle
        if idle is None:
            return
        self._idle = None
        await self._conversation.answered(idle, timeout_s=timeout_s)
        self._lines(idle)

    def _pending(self, text: str) -> Pending:
        name, tag = text.partition(" ")[0], self._new_tag()
        return Pending(
            name=name,
            tag=tag,
            slot=name,
            is_sync=True,
            wire=f"{tag} {text}\r\n".encode("ascii"),
            ended=asyncio.get_running_loop().create_future(),
            late=self._unanswered,
            # A server that goes on pushing after DONE must not be waited for.
            is_patient=name != "IDLE",
        )

    def _unanswered(self, peer: str, name: str, _: float) -> DeadlineError:
        message = f"{peer}: no answer to {name} for {self._timeout_s:g} s"
        return DeadlineError(message, phase="command", seconds=self._timeout_s)

    def _lines(self, pending: Pending) -> list[AnswerLine]:
        if pending.result != "OK":
            # Not in a local as it came: a frame that is shown would show it.
            said = self._conversation.dialog.redactor.words(bytes(pending.lines[-1]))
            raise CommandError(
                f"{self._conversation.peer}: {pending.name} was refused: {said!r}",
                command=pending.name,
                words=said,
            )
        return pending.lines[:-1]


def commands_of(client: Any, *, timeout_s: float | None = None) -> Commands:
    """Return such commands for the client of an IMAP session, each with the client's own time.

    Raises: UsageError for another client.
    """
    # Not isinstance(): the class is defined where aioimaplib is imported.
    protocol = getattr(client, "protocol", None)
    conversation = getattr(protocol, "conversation", None)
    if protocol is None or not isinstance(conversation, Conversation):
        raise UsageError("not the client of an IMAP session of ours", field="client")
    timeout_s = client.timeout if timeout_s is None else timeout_s
    return Commands(conversation, protocol.new_tag, timeout_s=timeout_s)
