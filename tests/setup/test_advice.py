"""What a person can do about a certificate, and that the documents say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from securemail import CertificateError, CertificateReason, VersionError
from securemail.setup.advice import advice_on

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| … (.+) \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("reason", CertificateReason)
def test_the_page_on_trust_has_each_reason_with_the_advice(reason: CertificateReason) -> None:
    advice = {name: text for name, _, text in ROW.findall(PAGE.read_text())}
    error = CertificateError("no", reason=reason, certificate=None)
    assert advice[reason.name] == advice_on(error)


def test_a_server_of_an_old_version_is_below_the_minimum() -> None:
    assert "less than the account asks for" in advice_on(VersionError("no"))
