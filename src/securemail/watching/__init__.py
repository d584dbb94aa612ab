"""Watching mailboxes for months: events, cursors, and sessions that come back."""

from securemail.watching.cursor import Cursor, MaildropCursor
from securemail.watching.events import (
    ConfidentialityChanged,
    Connected,
    Lost,
    MailboxChanged,
    MaildropChanged,
    UIDValidityChanged,
    WatchEvent,
)
from securemail.watching.watch import Rhythm, Watch, watch
from securemail.watching.watch_all import watch_all

__all__ = [
    "ConfidentialityChanged",
    "Connected",
    "Cursor",
    "Lost",
    "MailboxChanged",
    "MaildropChanged",
    "MaildropCursor",
    "Rhythm",
    "UIDValidityChanged",
    "Watch",
    "WatchEvent",
    "watch",
    "watch_all",
]
