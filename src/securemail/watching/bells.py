"""Which of several mailboxes must be looked at (RFC 5465, RFC 3501 6.3.10). No I/O here.

A mailbox was seen as it was *before* a look began. As long as the server counts anything else than
then, it has changed since, or while we looked, and must be looked at again.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from securemail.watching.cursor import Cursor
from securemail.wire.status import Answer, same_name, take_statuses

_OVERFLOW: Final = re.compile(rb"OK \[NOTIFICATIONOVERFLOW\b", re.IGNORECASE)
# Dovecot: "* NO NOTIFY error, some events may have got lost".
_TROUBLE: Final = re.compile(rb"(?:NO|BAD)(?: |\Z)", re.IGNORECASE)


@dataclass(slots=True)
class _Bell:
    now: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] | None = None


class Bells:
    """What a server counts in each mailbox, and in which state each was seen.

    `is_unsure` says that it may have kept something back, until somebody who has counted all anew
    says otherwise; `is_off` that it pushes nothing any more (RFC 5465 section 5.8).
    """

    def __init__(self, mailboxes: Sequence[str]) -> None:
        self._names: Final = {same_name(name): name for name in mailboxes}
        self._order: Final = deque(mailboxes)
        self.forget()

    def forget(self) -> None:
        """Begin a session, in which nothing was seen yet."""
        self._bells = {name: _Bell() for name in self._order}
        self._named: set[str] = set()
        self.is_unsure = self.is_off = False

    # --- hearing

    def hear(self, lines: Iterable[Answer]) -> list[Answer]:
        """Take what was said of mailboxes by name, and return the rest.

        Mailboxes that nobody asked for are passed over. Raises: ProtocolError.
        """
        statuses, others = take_statuses(lines)
        for status in statuses:
            name = self._names.get(same_name(status.mailbox))
            if name is not None:
                self._named.add(name)
                self._bells[name].now |= status.values
        for line in others:
            self.is_off = self.is_off or _OVERFLOW.match(line) is not None
            self.is_unsure = self.is_unsure or _TROUBLE.match(line) is not None
        return others

    def call_roll(self) -> None:
        """Note who is named in the next answer."""
        self._named = set()
        self.is_off = False

    @property
    def silent(self) -> list[str]:
        """Those that the answer did not name."""
        return [name for name in self._order if name not in self._named]

    # --- seeing

    def next_rung(self) -> str | None:
        """Return a mailbox that must be looked at, None where there is none.

        In turn: one that changes all the time, or cannot be opened, keeps nobody waiting.
        """
        for _ in range(len(self._order)):
            name = self._order[0]
            self._order.rotate(-1)
            bell = self._bells[name]
            if bell.seen != bell.now:
                return name
        return None

    def state(self, name: str) -> dict[str, int]:
        """Return what the server counts now; keep it for `saw` while you look."""
        return dict(self._bells[name].now)

    def ring(self, name: str) -> None:
        """Have a mailbox looked at, whatever the server counts in it."""
        self._bells[name].seen = None

    def saw(self, name: str, state: dict[str, int]) -> None:
        """Note that a look has begun in that state and is done."""
        self._bells[name].seen = state

    def is_current(self, name: str, cursor: Cursor) -> bool:
        """Return whether all has been announced, so that QRESYNC would have nothing to tell."""
        now = self._bells[name].now
        counted = (now.get("UIDVALIDITY"), now.get("UIDNEXT"), now.get("HIGHESTMODSEQ"))
        is_same = counted == (cursor.uidvalidity, cursor.uidnext, cursor.modseq)
        # Without MODSEQ nothing would tell of expunges.
        return is_same and cursor.modseq is not None
