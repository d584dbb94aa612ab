"""Every named chain against the engine: nobody else's verifier, and both versions of TLS."""

from __future__ import annotations

import re
import ssl

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import CertificateError, CertificateReason, TLSVersion, Trust
from securemail.tls.reasons import REASONS
from tests.tls.bad_chains import BAD
from tests.tls.chains import LEAF, MIDDLE, ROOT
from tests.tls.memory import TLS13, VERSIONS, MemoryServer, engine, shake_hands, show_encoded
from tests.tls.named_chains import GOOD, Named, chain_of

SERVED = [name for name, named in BAD.items() if named.is_servable]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.value)
@pytest.mark.parametrize("name", GOOD)
def test_a_chain_that_is_in_order_is_accepted(name: str, version: TLSVersion) -> None:
    named = GOOD[name]
    client = engine(named.trusted)
    server = MemoryServer(chain_of(named.certs).context(version=VERSIONS[version]))
    shake_hands(client, server)
    assert client.proof().trust is Trust.PKIX
    assert client.proof().tls_version is version


def test_an_intermediate_that_is_not_sent_may_be_in_the_accounts_trust_beside_the_root() -> None:
    chain = chain_of((LEAF, MIDDLE, ROOT))
    middle = ssl.DER_cert_to_PEM_cert(chain.encoded[1]).encode()
    client = engine(middle + chain.root)
    shake_hands(client, MemoryServer(chain.context(sent=0)))
    assert client.proof().trust is Trust.PKIX
    with pytest.raises(CertificateError) as caught:
        shake_hands(engine(middle), MemoryServer(chain.context(sent=0)))
    assert caught.value.reason is CertificateReason.UNKNOWN_ISSUER


def check(named: Named, error: CertificateError) -> None:
    assert error.reason is named.reason, error
    assert re.search(named.says, str(error)), error
    if named.depth is not None:
        blamed = chain_of(named.certs).encoded[named.depth]
        assert error.certificate is not None
        assert error.certificate.public_bytes(Encoding.DER) == blamed


@pytest.mark.parametrize("name", BAD)
def test_a_chain_that_is_not_is_refused_for_its_own_reason(name: str) -> None:
    named = BAD[name]
    own, *issuers = chain_of(named.certs).encoded
    client = engine(named.trusted)
    with pytest.raises(CertificateError) as caught:
        show_encoded(client, [own, *issuers[:-1][: named.sent]], is_rsa="rsa" in named.certs[0].key)
    check(named, caught.value)


@pytest.mark.parametrize("name", SERVED)
def test_a_chain_that_is_not_is_refused_in_tls13_as_well(name: str) -> None:
    named = BAD[name]
    context = chain_of(named.certs).context(sent=named.sent, version=VERSIONS[TLS13])
    client = engine(named.trusted)
    with pytest.raises(CertificateError) as caught:
        shake_hands(client, MemoryServer(context))
    check(named, caught.value)
    assert not client.is_established


def test_every_reason_that_an_error_of_openssl_has_is_among_the_chains() -> None:
    by_staple_only = {CertificateReason.REVOKED}
    assert {named.reason for named in BAD.values()} >= set(REASONS.values()) - by_staple_only


def test_there_are_at_least_sixty_chains() -> None:
    assert len(GOOD) + len(BAD) >= 60
