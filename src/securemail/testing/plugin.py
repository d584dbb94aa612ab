"""Fixtures for programs that are tested with pytest, which loads this by itself.

The server and the proxies live on the event loop of the test: they need pytest-asyncio, in either
mode, or anyio's plugin. `pytest -p no:securemail` does without all of this.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.credentials import Password
from securemail.testing.ca import CertificateAuthority
from securemail.testing.faults import Fault
from securemail.testing.proxy import FaultProxy
from securemail.testing.server import MailServer
from securemail.trust import TrustStore

try:
    import pytest_asyncio
except ImportError:  # no reason to stop those who use none of this, or have anyio's plugin
    _fixture: Any = pytest.fixture
else:
    _fixture = pytest_asyncio.fixture  # its strict mode takes no other

T = TypeVar("T")
OpenProxy = Callable[..., Awaitable[FaultProxy]]


def _asynchronous(function: T) -> T:
    fixture: T = _fixture(function)
    return fixture


@pytest.fixture(scope="session")
def ca() -> CertificateAuthority:
    """Return an authority that `account` trusts; override it to have your own."""
    return CertificateAuthority()


@_asynchronous
async def mail_server(ca: CertificateAuthority) -> AsyncIterator[MailServer]:
    """Return a server with a mailbox for alice, whose password is "secret"."""
    async with MailServer({"alice": "secret"}, ca=ca) as server:
        yield server


@pytest.fixture
def account(mail_server: MailServer) -> Account:
    """Return alice's account on `mail_server`: IMAP, POP3 and submission over implicit TLS."""
    return Account(
        "alice@example.org",
        imap=mail_server.endpoint(TLSMode.IMPLICIT, Service.IMAP),
        pop3=mail_server.endpoint(TLSMode.IMPLICIT, Service.POP3),
        submission=mail_server.endpoint(TLSMode.IMPLICIT, Service.SUBMISSION),
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(mail_server.ca.pem),
    )


@pytest.fixture
def starttls_account(account: Account, mail_server: MailServer) -> Account:
    """Return the same account over STARTTLS."""
    return replace(
        account,
        imap=mail_server.endpoint(TLSMode.STARTTLS, Service.IMAP),
        pop3=mail_server.endpoint(TLSMode.STARTTLS, Service.POP3),
        submission=mail_server.endpoint(TLSMode.STARTTLS, Service.SUBMISSION),
    )


@pytest.fixture
def untrusted_account(account: Account) -> Account:
    """Return the same account, whose server has a certificate by somebody it does not trust.

    A program must refuse it, and must not ask its user whether to go on.
    """
    return replace(account, trust=TrustStore.from_pem(CertificateAuthority().pem))


@_asynchronous
async def fault_proxy() -> AsyncIterator[OpenProxy]:
    """Return what opens a `FaultProxy` in front of an endpoint, for as long as the test runs."""
    async with AsyncExitStack() as stack:

        async def open_proxy(endpoint: Endpoint, *faults: Fault) -> FaultProxy:
            return await stack.enter_async_context(FaultProxy(endpoint, *faults))

        yield open_proxy
