"""An account with another server for one of its services. No I/O here."""

from __future__ import annotations

from dataclasses import replace

from securemail.account import Account, Endpoint, Service


def with_endpoint(account: Account, service: Service, endpoint: Endpoint) -> Account:
    """Return the account with `service` at `endpoint`, and all else as it was.

    Raises: UsageError for an endpoint without TLS under a policy that has a minimum.
    """
    match service:
        case Service.IMAP:
            return replace(account, imap=endpoint)
        case Service.POP3:
            return replace(account, pop3=endpoint)
        case Service.SUBMISSION:
            return replace(account, submission=endpoint)
