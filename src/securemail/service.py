"""What a server does for an account. No I/O here."""

from __future__ import annotations

from enum import Enum


class Service(Enum):
    """What a server does for an account."""

    IMAP = "IMAP"
    POP3 = "POP3"
    SUBMISSION = "submission"
