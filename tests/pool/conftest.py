"""A server for the pool's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from securemail.testing import CertificateAuthority, MailServer

USERS = {"alice": "secret", "bob": "secret"}


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
async def server(ca: CertificateAuthority) -> AsyncIterator[MailServer]:
    async with MailServer(USERS, ca=ca) as running:
        yield running
