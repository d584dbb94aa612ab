"""What a stapled OCSP response proves, and that no other one proves anything (RFC 6960)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from securemail.limits import CLOCK_SKEW_S, STAPLE_BYTES
from securemail.revocation import CertStatus, RevocationStatus
from securemail.tls.staple import read_staple
from tests.tls.chains import LEAF, MIDDLE, ROOT, Chain, key_at, make, tlv
from tests.tls.staples import (
    DELEGATE,
    HOUR,
    NOW,
    REVOKED,
    UNKNOWN,
    Signer,
    Staple,
    authority,
    delegate,
    error,
)

CHAIN = make(LEAF, ROOT)
SKEW = dt.timedelta(seconds=CLOCK_SKEW_S)
SECOND = dt.timedelta(seconds=1)
GOOD = Staple().about(CHAIN)


def read(staple: bytes, chain: Chain = CHAIN, at: dt.datetime = NOW) -> RevocationStatus:
    return read_staple(staple, chain.certificates[0], chain.certificates[1], at)


# --- what is proved

KEYS = {
    "an authority with an EC key": (Staple(), "ec"),
    "an authority with an RSA key": (Staple(), "rsa2048"),
    "an authority with an Ed25519 key": (Staple(digest=None), "ed25519"),
}


@pytest.mark.parametrize("name", KEYS)
def test_the_issuer_itself_may_sign(name: str) -> None:
    staple, kind = KEYS[name]
    root = replace(ROOT, key=kind)
    chain = make(LEAF, root)
    status = read(staple.about(chain, authority(chain, root)), chain)
    assert status == RevocationStatus(CertStatus.GOOD, NOW - HOUR, NOW + HOUR)
    assert str(status) == f"good until {NOW + HOUR:%Y-%m-%d %H:%M} UTC"


@pytest.mark.parametrize("encoding", ocsp.OCSPResponderEncoding)
@pytest.mark.parametrize("signer", [authority(CHAIN), delegate()], ids=["issuer", "delegate"])
def test_the_signer_is_named_by_its_name_or_its_key(
    signer: Signer, encoding: ocsp.OCSPResponderEncoding
) -> None:
    assert read(Staple(encoding=encoding).about(CHAIN, signer)).cert_status is CertStatus.GOOD


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()], ids=lambda each: each.name)
def test_the_certificate_may_be_named_by_sha1_as_all_responders_do(
    digest: hashes.HashAlgorithm,
) -> None:
    assert read(Staple(meant=digest).about(CHAIN)).cert_status is CertStatus.GOOD


def test_a_status_of_a_certificate_below_an_intermediate_is_signed_by_that() -> None:
    chain = make(LEAF, MIDDLE, ROOT)
    by_middle = Staple().about(chain, authority(chain, MIDDLE))
    by_root = Staple().about(chain, Signer(chain.certificates[2], key_at("ec", 2)))
    assert read(by_middle, chain).cert_status is CertStatus.GOOD
    assert read(by_root, chain).cert_status is CertStatus.UNUSABLE


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (x509.ReasonFlags.key_compromise, " (key compromise)"),
        (x509.ReasonFlags.ca_compromise, " (ca compromise)"),
        (None, ""),
    ],
)
def test_what_is_revoked_is_said_with_when_and_why(
    reason: x509.ReasonFlags | None, words: str
) -> None:
    status = read(Staple(status=REVOKED, reason=reason).about(CHAIN))
    assert status.cert_status is CertStatus.REVOKED
    assert status.detail == f"it was revoked by its issuer on 2026-11-20 10:00 UTC{words}"


@pytest.mark.parametrize("signer", [authority(CHAIN), delegate()], ids=["issuer", "delegate"])
def test_revoked_stays_revoked_when_the_staple_has_run_out(signer: Signer) -> None:
    old = Staple(status=REVOKED, since=-9 * HOUR, until=-8 * HOUR)
    assert read(old.about(CHAIN, signer)).cert_status is CertStatus.REVOKED


def test_a_certificate_that_its_issuer_does_not_know_is_not_good() -> None:
    status = read(Staple(status=UNKNOWN).about(CHAIN))
    assert (status.cert_status, str(status)) == (
        CertStatus.UNKNOWN,
        "it is unknown to its issuer",
    )


def test_no_staple_is_no_status() -> None:
    assert read(b"") == RevocationStatus(CertStatus.NOT_STAPLED)


# --- times


@pytest.mark.parametrize(
    ("at", "is_good"),
    [
        (NOW, True),
        (NOW - HOUR - SKEW, True),
        (NOW - HOUR - SKEW - SECOND, False),
        (NOW + HOUR + SKEW, True),
        (NOW + HOUR + SKEW + SECOND, False),
    ],
)
def test_a_status_is_good_between_its_dates_give_or_take_five_minutes(
    at: dt.datetime, is_good: bool
) -> None:
    status = read(GOOD, at=at)
    assert status.cert_status is (CertStatus.GOOD if is_good else CertStatus.UNUSABLE)


# --- what proves nothing


def flipped(staple: bytes) -> bytes:
    return staple[:-1] + bytes([staple[-1] ^ 1])


def elsewhere() -> Chain:
    """The same names, and the key of somebody else."""
    return make(LEAF, replace(ROOT, key="ed25519"))


def spoken_for(**fields: object) -> bytes:
    return Staple().about(CHAIN, delegate(replace(DELEGATE, **fields)))  # type: ignore[arg-type]  # what its fields are of


CONDITION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\0")
STRANGER = delegate(DELEGATE, replace(ROOT, key="ed25519"))
HIDDEN = Signer(delegate().certificate, delegate().key)
FOR_NOTHING = {"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)}

USELESS: dict[str, tuple[bytes, str]] = {
    "a forged signature": (flipped(GOOD), "a forged signature"),
    "signed by another authority of that name": (
        Staple(digest=None, encoding=ocsp.OCSPResponderEncoding.NAME).about(
            CHAIN, authority(elsewhere(), replace(ROOT, key="ed25519"))
        ),
        "signed in a way which proves nothing",
    ),
    "signed by the server itself": (
        Staple().about(CHAIN, Signer(CHAIN.certificates[0], CHAIN.key, CHAIN.certificates[:1])),
        "a certificate that is not one for that",
    ),
    "a delegate whose certificate is not there": (
        Staple().about(CHAIN, HIDDEN),
        "by nobody knows whom",
    ),
    "a delegate of another authority": (
        Staple().about(CHAIN, STRANGER),
        "whom the issuer does not know",
    ),
    "a delegate for other purposes": (spoken_for(**FOR_NOTHING), "not one for that"),
    "a delegate for any purpose": (
        spoken_for(purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
        "not one for that",
    ),
    "a delegate for no purpose": (spoken_for(purposes=()), "not one for that"),
    "a delegate that may not sign": (spoken_for(usages="key_agreement"), "not one for that"),
    "a delegate that has expired": (spoken_for(days=(-9, -1)), "out of date"),
    "a delegate of tomorrow": (spoken_for(days=(1, 9)), "out of date"),
    "a delegate with a short key": (spoken_for(key="rsa1024"), "a weak key"),
    "a delegate with a condition": (spoken_for(more=((CONDITION, True),)), "do not know (1.2.3.4)"),
    "a condition": (Staple(more=((CONDITION, True),)).about(CHAIN), "do not know (1.2.3.4)"),
    "expired": (Staple(since=-3 * HOUR, until=-HOUR).about(CHAIN), "that ended on"),
    "of the future": (Staple(since=HOUR, until=2 * HOUR).about(CHAIN), "that begins on"),
    "without an end": (Staple(until=None).about(CHAIN), "without an end"),
    **{
        f"another {part}": (Staple(wrong=part).about(CHAIN), "of another certificate")
        for part in ("name", "key", "serial")
    },
    "another server": (Staple().about(make(LEAF, ROOT)), "of another certificate"),
    "huge": (GOOD + bytes(STAPLE_BYTES), f"of which {STAPLE_BYTES} are read"),
    "not DER": (b"\xff" * 99, "cannot be read"),
    "cut": (GOOD[:-9], "cannot be read"),
    "something behind it": (GOOD + b"\0", "cannot be read"),
    "successful, and nothing in it": (tlv(0x30, b"\x0a\1\0"), "cannot be read"),
    **{
        f"an error: {status.name}": (error(status), status.name.lower().replace("_", " "))
        for status in ocsp.OCSPResponseStatus
        if status is not ocsp.OCSPResponseStatus.SUCCESSFUL
    },
}


@pytest.mark.parametrize("name", USELESS)
def test_what_does_not_hold_in_every_way_proves_nothing_and_says_why(name: str) -> None:
    staple, words = USELESS[name]
    status = read(staple)
    assert status.cert_status is CertStatus.UNUSABLE
    assert status.detail.startswith("the server has stapled ")
    assert words in status.detail


def test_an_extension_that_may_be_ignored_is_ignored() -> None:
    staple = Staple(more=((CONDITION, False),)).about(CHAIN)
    assert read(staple).cert_status is CertStatus.GOOD


def test_without_an_issuer_nothing_is_proved() -> None:
    status = read_staple(GOOD, CHAIN.certificates[0], None, NOW)
    assert status.cert_status is CertStatus.UNUSABLE


def test_a_signature_by_sha1_proves_nothing() -> None:
    """cryptography does not make one any more: the algorithm is renamed, in both places."""
    chain = make(LEAF, replace(ROOT, key="rsa2048"))
    staple = Staple().about(chain, authority(chain, replace(ROOT, key="rsa2048")))
    sha256, sha1 = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05"))
    assert sha256 in staple
    status = read(staple.replace(sha256, sha1), chain)
    assert "proves nothing" in status.detail


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_status_and_never_an_exception(staple: bytes) -> None:
    assert read(staple).cert_status in (CertStatus.UNUSABLE, CertStatus.NOT_STAPLED)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_byte_of_a_good_staple_can_be_changed(place: int, mask: int) -> None:
    spoilt = bytearray(GOOD)
    spoilt[place] ^= mask
    assert read(bytes(spoilt)).cert_status is CertStatus.UNUSABLE


def test_the_words_of_a_hostile_staple_cannot_steer_a_terminal_or_flood_a_message() -> None:
    for staple, _ in USELESS.values():
        detail = read(staple).detail
        assert detail.isprintable()
        assert len(detail) < 600
