"""The public key of a certificate, as it stands there."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from securemail.tls.der import public_key_info


def certificate(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    name = x509.Name([])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(1))
        .sign(key, algorithm)
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["EC", "Ed25519", "RSA"],
)
def test_it_is_the_key_that_the_certificate_was_made_with(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    wanted = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public_key_info(certificate(key)) == wanted


WHOLE = certificate(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize("size", range(0, 200, 7))
def test_a_certificate_that_ends_early_is_a_value_error(size: int) -> None:
    with pytest.raises(ValueError, match="certificate"):
        public_key_info(WHOLE[:size])


@given(st.binary(max_size=400))
def test_any_octets_give_a_part_of_themselves_or_a_value_error(data: bytes) -> None:
    try:
        assert public_key_info(data) in data
    except ValueError:
        return
