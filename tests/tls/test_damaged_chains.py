"""Chains of which an octet is another: never accepted, and never an error that is not ours."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securemail import CertificateError, TLSError
from tests.tls.chains import LEAF, MIDDLE, ROOT
from tests.tls.memory import engine, show_encoded
from tests.tls.named_chains import chain_of

CHAIN = chain_of((LEAF, MIDDLE, ROOT))
OWN, ISSUER, _ = CHAIN.encoded
SHOWN = OWN + ISSUER


def damaged(place: int, bits: int) -> tuple[bytes, bytes]:
    octets = bytearray(SHOWN)
    octets[place] ^= bits
    return bytes(octets[: len(OWN)]), bytes(octets[len(OWN) :])


def check(place: int, bits: int) -> None:
    client = engine(CHAIN.root)
    with pytest.raises((CertificateError, TLSError)):
        show_encoded(client, damaged(place, bits))
    assert not client.is_established


@pytest.mark.filterwarnings("ignore:Parsed a serial number", "ignore:The parsed certificate")
@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(SHOWN) - 1), bits=st.integers(1, 255))
def test_a_chain_with_another_octet_is_refused(place: int, bits: int) -> None:
    check(place, bits)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore:Parsed a serial number", "ignore:The parsed certificate")
@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80, 0xFF])
def test_every_octet_of_a_chain_counts(bits: int) -> None:
    for place in range(len(SHOWN)):
        check(place, bits)


@given(own=st.binary(max_size=300), issuer=st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_octets_in_the_place_of_certificates_are_refused(own: bytes, issuer: bytes) -> None:
    with pytest.raises((CertificateError, TLSError)):
        show_encoded(engine(CHAIN.root), [own, issuer])
