"""What OpenSSL says of a chain after it has gone through all of it."""

from __future__ import annotations

import pytest
from cryptography import x509

from securemail import CertificateError
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, constrained, make
from tests.tls.memory import MemoryServer, engine, shake_hands

ELSEWHERE = constrained(MIDDLE, permitted=(x509.DNSName("example.com"),))
NOT_HERE = constrained(MIDDLE, excluded=(x509.DNSName("example.org"),))


@pytest.fixture(params=[ELSEWHERE, NOT_HERE], ids=["permitted elsewhere", "excluded here"])
def chain(request: pytest.FixtureRequest) -> Chain:
    return make(LEAF, request.param, ROOT)


def test_a_name_that_an_issuer_may_not_certify_is_refused(chain: Chain) -> None:
    client = engine(chain.root)
    with pytest.raises(CertificateError) as caught:
        shake_hands(client, MemoryServer(chain.context()))
    assert caught.value.certificate == chain.certificates[0]
    assert not client.is_established


def test_a_name_that_an_issuer_may_certify_is_not() -> None:
    here = constrained(MIDDLE, permitted=(x509.DNSName("example.org"),))
    chain = make(LEAF, here, ROOT)
    client = engine(chain.root)
    shake_hands(client, MemoryServer(chain.context()))
    assert client.is_established
