"""Which dialect a service speaks up to login. No I/O here."""

from __future__ import annotations

from typing import Final

from securemail.account import Service
from securemail.protocol.dialogue import Dialect
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.pop3 import POP3Dialect
from securemail.protocol.submission import SubmissionDialect

# STARTTLS is for clients that have said EHLO (RFC 3207 section 4). Elsewhere it may come first.
DISCOVER_BEFORE_UPGRADE: Final = frozenset({Service.SUBMISSION})


def new_dialect(service: Service, token: str, *, ehlo_name: str = "") -> Dialect:
    """Return a dialect for one connection; `token` is random, for what must not be guessed.

    `ehlo_name` is what EHLO says inside TLS.
    """
    match service:
        case Service.IMAP:
            return IMAPDialect(token)
        case Service.POP3:
            return POP3Dialect()
        case Service.SUBMISSION:
            return SubmissionDialect(ehlo_name)
