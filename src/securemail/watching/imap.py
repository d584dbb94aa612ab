"""Watching an IMAP mailbox (RFC 2177, RFC 7162)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from securemail.errors import CommandError, ProtocolError
from securemail.session import SecureSession
from securemail.transports.commands import Commands, commands_of
from securemail.transports.pending import AnswerLine
from securemail.uids import UIDSet
from securemail.watching.cursor import Cursor
from securemail.watching.due import Due
from securemail.watching.events import WatchEvent
from securemail.watching.source import Look
from securemail.watching.view import (
    Heard,
    Numbers,
    compared,
    first_cursor,
    resynchronized,
    revalidated,
)
from securemail.wire.mailbox import (
    Code,
    Expunged,
    Fetched,
    Found,
    Item,
    Vanished,
    mailbox_argument,
    parse_items,
)

# How often new messages are looked up before the mailbox is searched as a whole.
_LOOK_UPS: Final = 3


class Asking(Protocol):
    """What a look needs of `Commands`."""

    def start_anew(self) -> None:
        """As `Commands.start_anew`."""

    async def ask(self, text: str) -> list[AnswerLine]:
        """As `Commands.ask`."""


async def enable_qresync(asking: Asking, capabilities: frozenset[str]) -> bool:
    """Return whether QRESYNC is in force from now on. Raises: SecureMailError."""
    if "QRESYNC" not in capabilities:
        return False
    try:
        await asking.ask("ENABLE QRESYNC")
    except CommandError:
        return False
    return True


class IMAPSource:
    r"""A mailbox, opened read-only: to watch it must not take \Recent away from anybody.

    With QRESYNC every look is an EXAMINE that answers with what has changed since the cursor, at a
    reconnect and after each push alike, and no list of messages is kept. Without it the messages
    are known by number, and pushes are applied to that.
    """

    stays = True

    def __init__(self, mailbox: str, *, idle_s: float, poll_s: float, timeout_s: float) -> None:
        self.is_pushed = False
        self.poll_s = poll_s
        self._mailbox: Final = mailbox_argument(mailbox)
        self._idle_s: Final = idle_s
        self._timeout_s: Final = timeout_s
        self._due: Final = Due()
        self._commands: Commands
        self._asking: Asking
        self._capabilities: frozenset[str] = frozenset()
        self._has_qresync = False
        self._numbers: Numbers | None = None

    def each(
        self, cursor: Cursor | None, make: Callable[[Any], WatchEvent]
    ) -> Iterable[WatchEvent]:
        """Return what `make` says to the cursor."""
        return [make(cursor)]

    # --- opening

    async def open(self, session: SecureSession[Any], cursor: Cursor | None) -> Look[Cursor]:
        """Open the mailbox, and look for what has changed since `cursor`; None is now."""
        self._commands = commands_of(session.client, timeout_s=self._timeout_s)
        capabilities = session.capabilities
        self.is_pushed = "IDLE" in capabilities
        has_qresync = await enable_qresync(self._commands, capabilities)
        look = await self.look(self._commands, capabilities, cursor, has_qresync=has_qresync)
        self._ask_later()
        return look

    async def look(
        self,
        asking: Asking,
        capabilities: frozenset[str],
        cursor: Cursor | None,
        *,
        has_qresync: bool,
    ) -> Look[Cursor]:
        """Do the same with commands on a session that others use, too."""
        self._asking, self._capabilities = asking, capabilities
        self._has_qresync, self._numbers = has_qresync, None
        return await self._open(cursor)

    async def _open(self, cursor: Cursor | None) -> Look[Cursor]:
        if self._has_qresync and cursor is not None and cursor.modseq is not None:
            heard = await self._examine(f" (QRESYNC ({cursor.uidvalidity} {cursor.modseq}))")
        else:
            heard = await self._examine(" (CONDSTORE)" if self._has_condstore else "")
        if self._has_qresync and heard.modseq is not None and heard.codes.get("UIDNEXT"):
            return await self._quickly(cursor, heard)
        self._has_qresync = False
        return await self._slowly(cursor, heard)

    async def _quickly(self, cursor: Cursor | None, heard: Heard) -> Look[Cursor]:
        if cursor is None:
            return Look(first_cursor(heard, None))
        if event := revalidated(cursor, first_cursor(heard, None)):
            return Look(event.cursor, [event])
        is_older = cursor.modseq is None or (heard.modseq or 0) < cursor.modseq
        if is_older or any(each.uid is None for each in heard.fetched):
            # A cursor from another kind of server, a server that has lost its memory, or one that
            # does not say which message has changed: it may be new, and MODSEQ would go past it.
            numbers = await self._search_all(heard)
            change = compared(cursor, numbers.known, heard, heard.modseq)
            return _look(change.cursor, change)
        change_or_none = resynchronized(cursor, heard)
        return _look(cursor, change_or_none)

    async def _slowly(self, cursor: Cursor | None, heard: Heard) -> Look[Cursor]:
        self._numbers = await self._search_all(heard)
        now = first_cursor(heard, self._numbers.known)
        if cursor is None:
            return Look(now)
        if event := revalidated(cursor, now):
            return Look(event.cursor, [event])
        changed = await self._changed_flags(cursor, heard)
        change = compared(cursor, self._numbers.known, changed, heard.modseq)
        return _look(change.cursor, change)

    @property
    def _has_condstore(self) -> bool:
        return not self._capabilities.isdisjoint({"CONDSTORE", "QRESYNC"})

    async def _examine(self, parameters: str) -> Heard:
        self._asking.start_anew()
        return Heard.of(await self._ask(f"EXAMINE {self._mailbox}{parameters}"))

    async def _changed_flags(self, cursor: Cursor, heard: Heard) -> Heard:
        since = cursor.modseq
        if since is None or heard.modseq is None or heard.modseq <= since or cursor.uidnext == 1:
            return Heard()
        items = await self._ask(f"UID FETCH 1:{cursor.uidnext - 1} (FLAGS) (CHANGEDSINCE {since})")
        # Not the messages themselves: their flags would be announced a second time.
        self._feed(item for item in items if not isinstance(item, Fetched))
        return Heard.of(items)

    # --- searching

    async def _search_all(self, heard: Heard) -> Numbers:
        numbers = Numbers(UIDSet(), heard.exists or 0)
        found, counted, is_settled = UIDSet(), 0, False
        for _ in range(_LOOK_UPS):
            counted = numbers.exists
            found, is_settled = _found(await self._search("ALL"), numbers)
            if is_settled:
                break
        # Messages that are left out, and no word of them: from there on the numbers are others'.
        numbers.is_lost = numbers.is_lost or not is_settled or len(found) < counted
        numbers.known, numbers.exists = found, max(numbers.exists, len(found))
        return numbers

    async def _search(self, key: str) -> list[Item]:
        # RFC 4731: ranges instead of seven octets for each message.
        how = "RETURN (ALL) " if "ESEARCH" in self._capabilities else ""
        items = await self._ask(f"UID SEARCH {how}{key}")
        if not any(isinstance(item, Found) for item in items):
            raise ProtocolError("the server does not say what it has found")
        return items

    # --- waiting

    async def wait(self, cursor: Cursor) -> Look[Cursor]:
        """Wait for a push, or as long as one may wait without asking, and look."""
        lines = await self._pushed()
        try:
            look = await self._look(cursor, [*parse_items(lines)])
        except BaseException:
            # Cancelled in the moment an answer came: the session lives on, what was heard does not.
            self._commands.forgot()
            raise
        self._ask_later()
        return look

    def _ask_later(self) -> None:
        self._due.put_off(self._idle_s if self.is_pushed else self.poll_s)

    async def _pushed(self) -> Iterable[AnswerLine]:
        """Return the next push; as long as it waits, nothing is taken that could be lost."""
        if not self.is_pushed:
            await asyncio.sleep(self._due.left_s)
            return ()
        await self._commands.begin_idle()
        wait_s = 0 if self._commands.has_missed or self._is_behind else self._due.left_s
        return await self._commands.pushed(wait_s=wait_s) or ()

    async def _look(self, cursor: Cursor, pushed: list[Item]) -> Look[Cursor]:
        # A server that has said goodbye need not answer to DONE.
        Heard.of(pushed)
        items = [item for item in [*pushed, *await self._rest()] if not isinstance(item, Code)]
        if not self._has_qresync:
            self._feed(items)
            return await self._catch_up(cursor)
        if not items and not self._commands.has_missed and self.is_pushed:
            return Look(cursor)
        return await self._open(cursor)

    async def _rest(self) -> list[Item]:
        if self.is_pushed:
            return list(parse_items(await self._commands.end_idle()))
        return [] if self._has_qresync else await self._ask("NOOP")

    async def _catch_up(self, cursor: Cursor) -> Look[Cursor]:
        numbers = self._numbers
        if numbers is None or numbers.is_lost or self._commands.has_missed:
            return await self._open(cursor)
        for _ in range(_LOOK_UPS):
            if not numbers.is_behind:
                break
            found, is_settled = _found(await self._search(f"UID {cursor.uidnext}:*"), numbers)
            if is_settled:
                numbers.found(found)
        if numbers.is_behind or numbers.is_lost:
            return await self._open(cursor)
        return _look(cursor, numbers.take(cursor))

    @property
    def _is_behind(self) -> bool:
        """Whether messages are to be looked up that were heard of while others were searched."""
        numbers = self._numbers
        return numbers is not None and numbers.is_behind and not numbers.is_lost

    def _feed(self, items: Iterable[Item]) -> None:
        if self._numbers is not None:
            self._numbers.feed(items)

    async def _ask(self, text: str) -> list[Item]:
        return list(parse_items(await self._asking.ask(text)))


def _found(items: list[Item], numbers: Numbers) -> tuple[UIDSet, bool]:
    """Return what a search has found, and whether the numbers stood still meanwhile.

    A message that another session has expunged is left out of the answer, or is in it, and the
    EXPUNGE comes behind it (RFC 3501 section 7.4.1): its number is one from before the search.
    """
    numbers.feed(item for item in items if not isinstance(item, Found))
    found = UIDSet([each for item in items if isinstance(item, Found) for each in item.uids.ranges])
    return found, not any(isinstance(item, Expunged | Vanished) for item in items)


def _look(cursor: Cursor, change: Any) -> Look[Cursor]:
    """Return what there was to see, and an event only if it was something."""
    if change is None:
        return Look(cursor)
    is_news = bool(change.new or change.expunged or change.flags)
    return Look(change.cursor, [change] if is_news else [])
