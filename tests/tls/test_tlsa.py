"""Which TLSA records count (RFC 6698 section 4.1, RFC 7671 section 9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from securemail import limits
from securemail.records import TLSARecord
from securemail.testing import self_signed
from securemail.tls.dane import usable
from tests.tls.memory import HOST
from tests.tls.test_dane import NOBODY, record

GOOD = record(3, self_signed(HOST).pem)


@pytest.mark.parametrize(
    "unusable",
    [
        replace(GOOD, usage=4),
        replace(GOOD, usage=255),
        replace(GOOD, selector=2),
        replace(GOOD, matching_type=3),
        replace(GOOD, data=bytes(31)),
        replace(GOOD, data=bytes(33)),
        replace(GOOD, matching_type=2),
        replace(GOOD, matching_type=0, data=b""),
    ],
    ids=lambda record: (
        f"{record.usage}-{record.selector}-{record.matching_type}-{len(record.data)}"
    ),
)
def test_records_that_we_cannot_use_do_not_count(unusable: TLSARecord) -> None:
    assert usable([unusable, GOOD]) == (GOOD,)
    assert usable([unusable]) == ()


def test_a_weaker_digest_does_not_count_beside_a_stronger_one() -> None:
    """RFC 7671 section 9: or whoever can forge the weaker one would have won."""
    certificate = self_signed(HOST)
    weak, strong = record(3, certificate.pem, 1, 1), record(3, NOBODY, 1, 2)
    assert usable([weak, strong]) == (strong,)
    assert usable([strong, weak]) == (strong,)
    full, other = record(3, certificate.pem, 1, 0), record(3, certificate.pem, 0, 1)
    assert usable([full, weak, strong, other]) == (full, strong, other)


def test_no_more_records_are_compared_than_the_limit_says() -> None:
    many = [replace(GOOD, data=number.to_bytes(32)) for number in range(5000)]
    assert len(usable(many)) == limits.TLSA_RECORDS
    assert usable([GOOD] * 5000) == (GOOD,)
