"""Several IMAP mailboxes on one connection (RFC 5465), none of them selected while we wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from securemail import limits
from securemail.errors import CommandError
from securemail.policy.confidentiality import Confidentiality
from securemail.reconnect import Remedy, remedy
from securemail.session import SecureSession
from securemail.transports.commands import Commands, commands_of
from securemail.watching.bells import Bells
from securemail.watching.cursor import Cursor
from securemail.watching.due import Due
from securemail.watching.events import Connected, Lost, WatchEvent
from securemail.watching.imap import IMAPSource, enable_qresync
from securemail.watching.source import Look
from securemail.watching.view import Heard
from securemail.wire.mailbox import mailbox_argument, parse_items
from securemail.wire.status import Answer

# How often all mailboxes are counted anew at once, because a server speaks when nothing was asked;
# one that always does is polled.
_ROLLS: Final = 3

Cursors = Mapping[str, Cursor]
MailboxEvent = tuple[str, WatchEvent]


@dataclass(frozen=True, slots=True)
class _Ear:
    """Commands in whose answers the bells are heard."""

    commands: Commands
    bells: Bells

    def start_anew(self) -> None:
        """Do nothing: to open one mailbox makes up for nothing that was said of the others."""

    async def ask(self, text: str) -> list[Answer]:
        """As `Commands.ask`, without what was said of mailboxes by name."""
        return self.bells.hear(await self.commands.ask(text))


class SeveralSource:
    """Mailboxes of which the server tells by STATUS that something has changed.

    A push is a bell: the mailbox is opened, looked at as `IMAPSource` does, and closed again. With
    NOTIFY and IDLE bells ring at once, but for mailboxes of which the server does not speak; those
    are asked for from time to time, as all are without NOTIFY.
    """

    stays = True

    def __init__(
        self, mailboxes: Sequence[str], *, idle_s: float, poll_s: float, timeout_s: float
    ) -> None:
        self.is_pushed = False
        self.poll_s = poll_s
        self._mailboxes: Final = tuple(mailboxes)
        self._arguments: Final = {name: mailbox_argument(name) for name in mailboxes}
        self._idle_s: Final = idle_s
        self._timeout_s: Final = timeout_s
        self._bells: Final = Bells(self._mailboxes)
        self._capabilities: frozenset[str] = frozenset()
        self._has_qresync = False
        self._told: frozenset[str] = frozenset()
        self._refused: set[str] = set()
        self._rolls = 0
        self._due: Final = Due()
        self._commands: Commands
        self._ear: _Ear
        self._proved: Confidentiality

    def each(
        self, cursor: Cursors | None, make: Callable[[Any], WatchEvent]
    ) -> Iterator[MailboxEvent]:
        """Yield what `make` says to each mailbox's cursor; what is pushed, each for itself."""
        for name in self._mailboxes:
            event = make((cursor or {}).get(name))
            if isinstance(event, Connected):
                event = replace(event, is_pushed=name in self._told)
            yield name, event

    # --- opening

    async def open(
        self, session: SecureSession[Any], cursor: Cursors | None
    ) -> Look[Cursors, MailboxEvent]:
        """Ask to be told of all mailboxes, and look at those that have no cursor yet."""
        self._commands = commands_of(session.client, timeout_s=self._timeout_s)
        self._ear = _Ear(self._commands, self._bells)
        self._capabilities = session.capabilities
        self._proved = session.confidentiality
        self._refused.clear()
        self._bells.forget()
        self._has_qresync = await enable_qresync(self._ear, self._capabilities)
        self.is_pushed = {"NOTIFY", "IDLE"} <= self._capabilities and self._is_short
        await self._call_roll()
        cursors: dict[str, Cursor] = dict(cursor or {})
        for name in self._mailboxes:
            if name not in cursors:
                cursors[name] = (await self._look_at(name, None)).cursor
            elif self._has_qresync and self._bells.is_current(name, cursors[name]):
                self._bells.saw(name, self._bells.state(name))
        return Look(cursors, since=cursors)

    # --- counting

    @property
    def _has_condstore(self) -> bool:
        return not self._capabilities.isdisjoint({"CONDSTORE", "QRESYNC"})

    @property
    def _notify(self) -> str:
        names = " ".join(self._arguments.values())
        # RFC 5465 section 5.1: without MODSEQ nothing would tell which flags have changed.
        flags = " FlagChange" if self._has_condstore else ""
        return f"NOTIFY SET STATUS (mailboxes ({names}) (MessageNew MessageExpunge{flags}))"

    @property
    def _is_short(self) -> bool:
        return len(self._notify) <= limits.NOTIFY_BYTES

    async def _call_roll(self) -> None:
        """Have the server count what is in all mailboxes, and tell what it may have kept back."""
        self._commands.start_anew()
        self._bells.call_roll()
        if self.is_pushed:
            try:
                await self._ear.ask(self._notify)
            except CommandError:
                # [BADEVENT], [NOTIFICATIONOVERFLOW], or a server that does not know it after all.
                self.is_pushed = False
                self._bells.call_roll()
        silent = self._bells.silent
        for name in silent:
            if not await self._count(name):
                # To open it will show why; one that cannot be counted must not stop the others.
                self._bells.ring(name)
        self._told = frozenset(self._mailboxes).difference(silent)
        for name in self._refused:
            self._bells.ring(name)
        self._bells.is_unsure = False
        self._due.put_off(self._idle_s if self.is_pushed else self.poll_s)
        if silent or self._refused:
            self._hasten()

    async def _count(self, name: str) -> bool:
        modseq = " HIGHESTMODSEQ" if self._has_condstore else ""
        items = f"(MESSAGES UIDNEXT UIDVALIDITY{modseq})"
        try:
            await self._ear.ask(f"STATUS {self._arguments[name]} {items}")
        except CommandError:
            return False
        return True

    # --- looking

    async def _look_at(self, name: str, cursor: Cursor | None) -> Look[Cursor]:
        state = self._bells.state(name)
        source = IMAPSource(
            name, idle_s=self._idle_s, poll_s=self.poll_s, timeout_s=self._timeout_s
        )
        with _about(name):
            look = await source.look(
                self._ear, self._capabilities, cursor, has_qresync=self._has_qresync
            )
        await self._close()
        if self.is_pushed:
            # No bell has rung for it while it was selected.
            await self._count(name)
        self._bells.saw(name, state)
        return look

    async def _close(self) -> None:
        # RFC 3691; what was opened read-only loses nothing by CLOSE (RFC 3501 section 6.4.2).
        await self._ear.ask("UNSELECT" if "UNSELECT" in self._capabilities else "CLOSE")

    # --- waiting

    async def wait(self, cursor: Cursors) -> Look[Cursors, MailboxEvent]:
        """Look at a mailbox that has changed, or wait until one may have."""
        name = self._bells.next_rung()
        lines = await self._pushed() if name is None else ()
        try:
            if name is not None:
                return await self._look(name, cursor)
            await self._listen(lines)
        except BaseException:
            # Cancelled in the moment an answer came: the session lives on, what was heard does not.
            self._commands.forgot()
            raise
        return Look(cursor)

    async def _look(self, name: str, cursor: Cursors) -> Look[Cursors, MailboxEvent]:
        try:
            look = await self._look_at(name, cursor[name])
        except CommandError as error:
            return Look(cursor, [(name, await self._refused_by(error, name, cursor[name]))])
        events: list[WatchEvent] = [*look.changes]
        if name in self._refused:
            self._refused.discard(name)
            events.insert(0, Connected(cursor[name], self._proved, is_pushed=name in self._told))
        return Look({**cursor, name: look.cursor}, [(name, event) for event in events])

    async def _refused_by(self, error: CommandError, name: str, cursor: Cursor) -> Lost:
        """Return what to tell of one mailbox that cannot be looked at now; the others go on.

        Raises: `error` where nothing may be tried again.
        """
        if remedy(error, has_token=False) is not Remedy.RETRY:
            raise error
        with suppress(CommandError):
            await self._close()
        self._bells.saw(name, self._bells.state(name))
        self._refused.add(name)
        return Lost(cursor, error.with_traceback(None), self._hasten())

    def _hasten(self) -> float:
        """Count again no later than when a server that cannot push would be asked; in seconds."""
        return self._due.hasten(self.poll_s)

    @property
    def _is_in_doubt(self) -> bool:
        return self._commands.has_missed or self._bells.is_unsure

    @property
    def _must_count(self) -> bool:
        return not self._due.left_s or (self._is_in_doubt and self._rolls < _ROLLS)

    async def _pushed(self) -> Sequence[Answer]:
        """Return the next push; as long as it waits, nothing is taken that could be lost."""
        if self._must_count:
            return ()
        if self._is_in_doubt or self._bells.is_off or not self.is_pushed:
            await asyncio.sleep(self._hasten())
            return ()
        self._rolls = 0
        await self._commands.begin_idle()
        return await self._commands.pushed(wait_s=self._due.left_s) or ()

    async def _listen(self, pushed: Sequence[Answer]) -> None:
        self._hear(pushed)
        self._hear(await self._commands.end_idle())
        if self._must_count:
            self._rolls += 1
            await self._call_roll()

    def _hear(self, lines: Sequence[Answer]) -> None:
        # A server that has said goodbye need not answer to DONE.
        Heard.of(parse_items(self._bells.hear(lines)))


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Say which mailbox a refused command was about."""
    try:
        yield
    except CommandError as error:
        message = f"{error} (the mailbox {name!r})"
        raise CommandError(
            message, command=error.command, words=error.words, mailbox=name
        ) from error
