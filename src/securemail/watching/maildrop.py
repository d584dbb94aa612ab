"""Watching a POP3 mailbox (RFC 1939 section 7): a session for each look, since none sees news."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from securemail.session import SecureSession
from securemail.watching.cursor import MaildropCursor
from securemail.watching.events import MaildropChanged, WatchEvent
from securemail.watching.source import Look
from securemail.wire.pop3 import arguments

# A day: a server that wants more between two logins does not want to be polled.
_LONGEST_DELAY_S = 24 * 3600


class MaildropSource:
    """A mailbox that is listed from time to time, no more often than the server allows."""

    is_pushed = False
    stays = False

    def __init__(self, *, poll_s: float) -> None:
        self.poll_s = poll_s
        self._wanted_s: Final = poll_s

    def each(
        self, cursor: MaildropCursor | None, make: Callable[[Any], WatchEvent]
    ) -> Iterable[WatchEvent]:
        """Return what `make` says to the cursor."""
        return [make(cursor)]

    async def open(
        self, session: SecureSession[Any], cursor: MaildropCursor | None
    ) -> Look[MaildropCursor]:
        """List the mailbox; None is now."""
        # RFC 2449 section 6.7.
        self.poll_s = max(self._wanted_s, login_delay(session.capabilities))
        unique_ids = [each.uid for each in await session.client.uidl()]
        now = MaildropCursor.of(unique_ids)
        if cursor is None or now == cursor:
            return Look(now)
        new = tuple(dict.fromkeys(uid for uid in unique_ids if cursor.is_new(uid)))
        return Look(now, [MaildropChanged(now, new)] if new else [])

    async def wait(self, cursor: MaildropCursor) -> Look[MaildropCursor]:
        """Return at once: the session has shown all that it can."""
        return Look(cursor)


def login_delay(capabilities: frozenset[str]) -> float:
    """Return how many seconds must pass between two logins, 0 where the server does not say."""
    said: Iterable[str] = arguments(capabilities, "LOGIN-DELAY") or ()
    delays = [int(word) for word in said if word.isascii() and word.isdecimal() and len(word) < 10]
    return float(min(max(delays, default=0), _LONGEST_DELAY_S))
