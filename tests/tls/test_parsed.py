"""What many connections are shown is there once."""

from __future__ import annotations

from cryptography import x509
from OpenSSL.crypto import X509

from securemail.testing import CertificateAuthority
from securemail.tls.parsed import parsed
from tests.tls.memory import HOST, MemoryServer, engine, shake_hands


def test_two_connections_to_one_server_have_one_chain_between_them() -> None:
    ca = CertificateAuthority()
    context = ca.server_context(HOST)
    proofs = []
    for _ in range(2):
        client, server = engine(ca.pem), MemoryServer(context)
        shake_hands(client, server)
        proofs.append(client.proof())
    first, second = (proof.chain for proof in proofs)
    assert len(first) == 2
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_other_octets_are_another_certificate() -> None:
    pems = [CertificateAuthority().pem for _ in range(2)]
    one, other = (X509.from_cryptography(x509.load_pem_x509_certificate(pem)) for pem in pems)
    assert parsed(one) is parsed(one)
    assert parsed(one) != parsed(other)
