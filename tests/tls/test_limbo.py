"""The runner of x509-limbo, on cases of our own: the collection's are not in this repository."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import Any

import pytest
from benchmarks.limbo import report, run

from tests.tls.bad_chains import BAD
from tests.tls.memory import HOST
from tests.tls.named_chains import GOOD, Named, chain_of

FINE = GOOD["a leaf, an intermediate and a root"]


def case(named: Named, **fields: Any) -> dict[str, Any]:
    own, *issuers = map(ssl.DER_cert_to_PEM_cert, chain_of(named.certs).encoded)
    return {
        "id": "ours",
        "features": [],
        "validation_kind": "SERVER",
        "trusted_certs": [named.trusted.decode()],
        "untrusted_intermediates": issuers[:-1][: named.sent],
        "peer_certificate": own,
        "validation_time": None,
        "signature_algorithms": [],
        "key_usage": [],
        "extended_key_usage": ["serverAuth"],
        "expected_result": "FAILURE" if named.reason else "SUCCESS",
        "expected_peer_name": {"kind": "DNS", "value": HOST},
        "max_chain_depth": None,
        "crls": [],
        **fields,
    }


def test_a_good_chain_is_a_success_and_a_bad_one_a_failure_with_our_reason() -> None:
    good, bad = run(case(FINE)), run(case(BAD["an expired intermediate"]))
    assert (good.got, good.said, good.is_as_expected) == ("SUCCESS", "PKIX", True)
    assert (bad.got, bad.is_as_expected) == ("FAILURE", True)
    assert bad.said.startswith("EXPIRED: ")


@pytest.mark.parametrize(("days", "got"), [(0, "SUCCESS"), (31, "FAILURE")])
def test_the_chain_is_judged_at_the_time_of_the_case(days: int, got: str) -> None:
    when = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    assert run(case(FINE, validation_time=when.isoformat(timespec="seconds"))).got == got


def test_what_is_not_about_us_is_skipped_with_the_reason_and_counted() -> None:
    results = [
        run(case(FINE, validation_kind="CLIENT")),
        run(case(FINE, expected_result="FAILURE")),
    ]
    lines = list(report(results))
    assert lines[:3] == ["2 cases", "1 SKIPPED", "1 SUCCESS, which was not expected"]
    assert lines[-1] == "ours [] expected FAILURE, got SUCCESS: PKIX"
