"""What a watch asks of a service: to look at a mailbox, and to wait for what happens there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from typing_extensions import TypeVar

from securemail.session import SecureSession
from securemail.watching.events import WatchEvent

CursorT = TypeVar("CursorT")
EventT = TypeVar("EventT", default=WatchEvent)


@dataclass(frozen=True, slots=True)
class Look(Generic[CursorT, EventT]):
    """What there was to see: the cursor now, and what has changed since the one before.

    `since` is the one before where there was none, or only for some of several mailboxes.
    """

    cursor: CursorT
    changes: Sequence[EventT] = ()
    since: CursorT | None = None


class Source(Protocol[CursorT, EventT]):
    """A mailbox as one service shows it, or several.

    `is_pushed` tells whether the server says at once what happens. Where `stays` is false a session
    is good for one look, and `poll_s` is how long to wait for the next.
    """

    is_pushed: bool
    stays: bool
    poll_s: float

    def each(self, cursor: CursorT | None, make: Callable[[Any], WatchEvent]) -> Iterable[EventT]:
        """Return what `make` says to each mailbox's part of `cursor`."""

    async def open(
        self, session: SecureSession[Any], cursor: CursorT | None
    ) -> Look[CursorT, EventT]:
        """Look for what has changed since `cursor`. Raises: SecureMailError."""

    async def wait(self, cursor: CursorT) -> Look[CursorT, EventT]:
        """Wait for something to happen, and look; it may turn out to be nothing.

        Raises: SecureMailError; the session is not used any more then.
        """
