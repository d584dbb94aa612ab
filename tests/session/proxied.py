"""Accounts behind a proxy, and what a debugger shows of an error."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import Any

import pytest

from securemail import (
    Account,
    Endpoint,
    Proxy,
    ProxyKind,
    Service,
    TLSMode,
)
from securemail.testing import (
    CertificateAuthority,
    MailServer,
    ScriptedServer,
)
from tests.dns import HOST
from tests.session import mailserver
from tests.session.scripts import account as scripted_account

KNOWN = {HOST: "127.0.0.1"}
BOTH = pytest.mark.parametrize("kind", list(ProxyKind))


def behind(proxy: Proxy, account: Account) -> Account:
    """Return the account with its servers known by name only, and reached through `proxy`."""
    imap, pop3, submission = (_by_name(account.endpoint(service)) for service in Service)
    return replace(account, proxy=proxy, imap=imap, pop3=pop3, submission=submission)


def _by_name(endpoint: Endpoint | None) -> Endpoint | None:
    return endpoint and Endpoint(endpoint.host, endpoint.port, endpoint.tls)


def hidden(server: MailServer, proxy: Proxy, tls: TLSMode = TLSMode.IMPLICIT) -> Account:
    """Return alice's account on `server`, known by name only and reached through `proxy`."""
    imap, pop3, submission = (server.endpoint(tls, service) for service in Service)
    whole = mailserver.account(server)
    return behind(proxy, replace(whole, imap=imap, pop3=pop3, submission=submission))


def through(
    relay: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, **fields: Any
) -> Account:
    """Return an account behind a proxy that plays a script."""
    kind = fields.pop("kind", ProxyKind.HTTP_CONNECT)
    proxy = Proxy(kind, relay.address, relay.port, **fields.pop("login", {}))
    return behind(proxy, scripted_account(relay, ca, tls, **fields))


def shown(error: BaseException) -> str:
    """Return an error with all that a debugger shows of it, but for the test's own frame."""
    assert error.__traceback__ is not None
    inside = error.__traceback__.tb_next
    whole = traceback.TracebackException(type(error), error, inside, capture_locals=True)
    return "".join(whole.format())
