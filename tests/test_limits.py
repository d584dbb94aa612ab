"""docs/limits.md has every bound of limits.py, with the tests at it and beyond it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from securemail import limits
from securemail.aio.resolver_cache import TTLCache
from securemail.discovery.dnssec_signature import _is_reasonable_rsa
from securemail.errors import DiscoveryError, LimitExceeded, UsageError
from securemail.store.fields import LongText, checked
from securemail.wire.smtp import AnswerReader
from tests.discovery.test_autoconfig import document, read, server
from tests.test_rfc_coverage import exists

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = ROOT / "docs" / "limits.md"
ROW: Final = re.compile(r"\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
NAMES: Final = {name for name in vars(limits) if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}


def rows() -> dict[str, tuple[str, str, list[str]]]:
    found = ROW.findall(TABLE.read_text())
    assert len(found) == len({name for name, *_ in found})
    return {
        name: (value.strip(), reason.strip(), re.findall(r"`(tests/[^`]+)`", tests))
        for name, value, reason, tests in found
    }


def test_every_bound_is_in_the_table_with_its_value_and_its_reason() -> None:
    table = rows()
    assert table.keys() == NAMES
    for name, (value, reason, _) in table.items():
        bound = getattr(limits, name)
        shown = bound if isinstance(bound, str) else f"{bound:,}"
        assert value == shown, name
        assert len(reason) > 20, name


def test_every_test_that_the_table_names_exists() -> None:
    assert [
        test for _, _, tests in rows().values() for test in tests if not exists(test, ROOT)
    ] == []


def test_every_bound_has_a_test() -> None:
    assert [name for name, (_, _, tests) in rows().items() if not tests] == []


def test_a_reply_of_submission_at_the_limit_passes_and_one_octet_more_does_not() -> None:
    half = limits.REPLY_BYTES // 4
    lines = b"".join(b"250-" + b"x" * half + b"\r\n" for _ in range(3))
    (answer,) = AnswerReader().feed(lines + b"250 " + b"x" * half + b"\r\n")
    assert sum(map(len, answer.lines)) == limits.REPLY_BYTES
    with pytest.raises(LimitExceeded):
        list(AnswerReader().feed(lines + b"250 " + b"x" * (half + 1) + b"\r\n"))


@pytest.mark.parametrize(
    ("exponent", "modulus", "is_reasonable"),
    [
        (limits.RSA_EXPONENT_BYTES, limits.RSA_MIN_BYTES, True),
        (limits.RSA_EXPONENT_BYTES + 1, limits.RSA_MIN_BYTES, False),
        (3, limits.RSA_MIN_BYTES - 1, False),
        (3, limits.RSA_MAX_BYTES, True),
        (3, limits.RSA_MAX_BYTES + 1, False),
        (0, limits.RSA_MAX_BYTES, False),
    ],
)
def test_an_rsa_key_of_a_zone_is_within_its_bounds(
    exponent: int, modulus: int, is_reasonable: bool
) -> None:
    key = bytes([exponent]) + b"\1" * exponent + b"\1" * modulus
    assert _is_reasonable_rsa(key) == is_reasonable


@pytest.mark.parametrize("entries", [limits.DNS_CACHED, limits.DNS_CACHED_MESSAGES])
def test_a_cache_at_its_limit_keeps_all_and_beyond_it_loses_the_oldest(entries: int) -> None:
    cache = TTLCache[int, str](entries)
    for key in range(entries):
        cache.put(key, "kept", 60)
    assert len(cache) == entries
    assert cache.get(0) is not None
    cache.put(entries, "new", 60)
    assert len(cache) == entries
    assert cache.get(0) is None


@pytest.mark.parametrize(
    ("kind", "value", "limit"),
    [
        (str, "x", limits.STORED_TEXT_CHARS),
        (LongText, "x", limits.STORED_LONG_CHARS),
        (list, ["x"], limits.STORED_ENTRIES),
    ],
)
def test_what_is_stored_has_a_length_and_no_more(
    kind: type, value: str | list[str], limit: int
) -> None:
    assert len(checked(value * limit, "it", kind)) == limit
    with pytest.raises(UsageError, match=f"more than {limit}"):
        checked(value * (limit + 1), "it", kind)


def test_a_configuration_file_has_as_many_servers_as_the_limit_allows() -> None:
    most = limits.AUTOCONFIG_SERVERS
    read(document(*[server() for _ in range(most)]))
    with pytest.raises(DiscoveryError, match=f"more than {most} servers"):
        read(document(*[server() for _ in range(most + 1)]))
