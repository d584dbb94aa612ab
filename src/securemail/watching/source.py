"""What a watch asks of a service: to look at a mailbox, and to wait for what happens there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from securemail.session import SecureSession
from securemail.watching.events import MailboxChanged, MaildropChanged, UIDValidityChanged

CursorT = TypeVar("CursorT")

Change = MailboxChanged | MaildropChanged | UIDValidityChanged


@dataclass(frozen=True, slots=True)
class Look(Generic[CursorT]):
    """What there was to see: the cursor now, and what has changed since the one before."""

    cursor: CursorT
    changes: Sequence[Change] = ()


class Source(Protocol[CursorT]):
    """A mailbox as one service shows it.

    `is_pushed` tells whether the server says at once what happens. Where `stays` is false a session
    is good for one look, and `poll_s` is how long to wait for the next.
    """

    is_pushed: bool
    stays: bool
    poll_s: float

    async def open(self, session: SecureSession[Any], cursor: CursorT | None) -> Look[CursorT]:
        """Look for what has changed since `cursor`. Raises: SecureMailError."""

    async def wait(self, cursor: CursorT) -> Look[CursorT]:
        """Wait for something to happen, and look; it may turn out to be nothing.

        Raises: SecureMailError; the session is not used any more then.
        """
