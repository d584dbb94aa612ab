"""What the tests of watching share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from securemail.testing import CertificateAuthority, MailServer


@pytest.fixture(scope="session")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture
async def server(ca: CertificateAuthority) -> AsyncIterator[MailServer]:
    async with MailServer({"alice": "secret"}, ca=ca) as running:
        yield running
