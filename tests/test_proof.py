"""What a proof can say at all."""

from __future__ import annotations

from securemail.proof import TLSVersion


def test_no_version_below_tls_1_2_can_be_proved() -> None:
    assert {version.value for version in TLSVersion} == {"TLSv1.2", "TLSv1.3"}


def test_tls_1_2_is_less_than_tls_1_3() -> None:
    assert sorted(TLSVersion, reverse=True) == [TLSVersion.TLS_1_3, TLSVersion.TLS_1_2]
