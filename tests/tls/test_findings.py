"""What a person reads about a certificate."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from OpenSSL import SSL

from securemail import CertificateReason
from securemail.tls.findings import finding_of, out_of_date
from tests.tls.chains import LEAF, ROOT, make

CODES = SSL.X509VerificationCodes
NOW = dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def valid(start: dt.timedelta, end: dt.timedelta) -> x509.Certificate:
    days = (start / DAY, end / DAY)
    return make(replace(LEAF, days=days), ROOT, now=NOW).certificates[0]


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (dt.timedelta(days=3, hours=2), "it expired 3 days ago (2026-11-25 10:00 UTC)"),
        (dt.timedelta(days=400), "it expired 400 days ago (2025-10-24 12:00 UTC)"),
        (dt.timedelta(hours=47), "it expired 1 day ago (2026-11-26 13:00 UTC)"),
        (dt.timedelta(hours=23, minutes=59), "it expired 23 hours ago (2026-11-27 12:01 UTC)"),
        (dt.timedelta(minutes=61), "it expired 1 hour ago (2026-11-28 10:59 UTC)"),
        (dt.timedelta(minutes=2), "it expired 2 minutes ago (2026-11-28 11:58 UTC)"),
        (dt.timedelta(seconds=1), "it expired less than a minute ago (2026-11-28 11:59 UTC)"),
        # OpenSSL's clock and ours are read one after the other.
        (dt.timedelta(seconds=-5), "it expired less than a minute ago (2026-11-28 12:00 UTC)"),
    ],
)
def test_a_person_reads_how_long_ago_and_when(age: dt.timedelta, words: str) -> None:
    finding = finding_of(CODES.ERR_CERT_HAS_EXPIRED, valid(-900 * DAY, -age), 0, NOW)
    assert finding.reason is CertificateReason.EXPIRED
    assert finding.detail == words


def test_a_person_reads_how_soon_a_certificate_begins() -> None:
    finding = finding_of(CODES.ERR_CERT_NOT_YET_VALID, valid(2 * DAY, 9 * DAY), 0, NOW)
    assert finding.reason is CertificateReason.NOT_YET_VALID
    assert finding.detail == "it is not valid yet: that begins in 2 days (2026-11-30 12:00 UTC)"


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (-2 * DAY, -DAY, CertificateReason.EXPIRED),
        (DAY, 2 * DAY, CertificateReason.NOT_YET_VALID),
        (-DAY, DAY, None),
        (-DAY, 0 * DAY, None),  # RFC 5280 section 4.1.2.5: through notAfter, inclusive
        (0 * DAY, DAY, None),
    ],
)
def test_dates_are_compared_with_the_time_that_is_given(
    start: dt.timedelta, end: dt.timedelta, reason: CertificateReason | None
) -> None:
    finding = out_of_date(valid(start, end), 0, NOW)
    assert (finding.reason if finding else None) is reason


def test_what_openssl_says_and_nobody_knows_has_its_number() -> None:
    finding = finding_of(9999, valid(-DAY, DAY), 1, NOW)
    assert finding.reason is CertificateReason.INVALID
    assert finding.detail == (
        "its issuer CN=leaf does not pass OpenSSL's verification (error 9999)"
    )
