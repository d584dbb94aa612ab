"""Which dialect a service speaks up to login. No I/O here."""

from __future__ import annotations

from securemail.account import Service
from securemail.errors import UsageError
from securemail.protocol.dialogue import Dialect
from securemail.protocol.imap import IMAPDialect
from securemail.protocol.pop3 import POP3Dialect


def new_dialect(service: Service, token: str) -> Dialect:
    """Return a dialect for one connection; `token` is random, for what must not be guessed.

    Raises: UsageError for a service that is not implemented.
    """
    match service:
        case Service.IMAP:
            return IMAPDialect(token)
        case Service.POP3:
            return POP3Dialect()
        case Service.SUBMISSION:
            raise UsageError(f"{service.value} is not implemented yet", field="service")
