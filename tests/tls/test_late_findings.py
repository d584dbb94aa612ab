"""What OpenSSL says of a chain after it has gone through all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from securemail import CertificateError
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, constrained, make
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands

# The second name is nothing to us, and so for OpenSSL alone to find.
TWO_NAMES = replace(LEAF, names=(x509.DNSName(HOST), x509.DNSName("mail.example.com")))
HERE_ONLY = constrained(MIDDLE, permitted=(x509.DNSName("example.org"),))
NOT_THERE = constrained(MIDDLE, excluded=(x509.DNSName("example.com"),))


@pytest.fixture(params=[HERE_ONLY, NOT_THERE], ids=["permitted here", "excluded there"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return make(TWO_NAMES, request.param, ROOT)


def test_a_name_that_an_issuer_may_not_certify_is_refused(chain: Chain) -> None:
    client = engine(chain.root)
    with pytest.raises(CertificateError) as caught:
        shake_hands(client, MemoryServer(chain.context()))
    assert caught.value.certificate == chain.certificates[0]
    assert not client.is_established


def test_a_name_that_an_issuer_may_certify_is_not() -> None:
    chain = make(LEAF, HERE_ONLY, ROOT)
    client = engine(chain.root)
    shake_hands(client, MemoryServer(chain.context()))
    assert client.is_established
