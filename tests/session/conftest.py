"""What the tests of a session share."""

from __future__ import annotations

import pytest

from securemail import ClientCertificate
from securemail.testing import CertificateAuthority


@pytest.fixture(scope="session")
def ca() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(scope="session")
def alice(ca: CertificateAuthority) -> ClientCertificate:
    return ClientCertificate.from_pem(ca.client_pem("alice"))
