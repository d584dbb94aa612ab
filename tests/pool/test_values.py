"""The numbers of a pool, and what it remembers of failures."""

from __future__ import annotations

import pytest

from securemail import ConnectError, PolicyError, Shortfall, UsageError, limits
from securemail.pool import PoolLimits
from securemail.pool.breaker import Breaker
from securemail.reconnect import Backoff, Setback


@pytest.mark.parametrize(
    "fields",
    [
        {"maximum": 0},
        {"maximum": 1.5},
        {"maximum": True},
        {"minimum": -1},
        {"maximum": 2, "minimum": 3},
        {"per_host": 0},
        {"idle": -1},
        {"idle": "5"},
        {"maximum_age": float("inf")},
        {"check_after": float("nan")},
        {"wait": None},
    ],
)
def test_numbers_that_cannot_be_are_a_usage_error(fields: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        PoolLimits(**fields)  # type: ignore[arg-type]  # that is the point


def test_a_failure_that_may_mend_bars_the_way_until_the_back_off_is_over() -> None:
    breaker: Breaker[str] = Breaker(Backoff(base=10))
    lost = Setback(ConnectError("lost", phase="connect"), 0, has_token=False)
    breaker.failed("a", lost, now=100, chance=0.5)
    assert isinstance(breaker.error("a", 104.9), ConnectError)
    assert breaker.error("a", 105) is None
    assert breaker.error("b", 100) is None
    breaker.failed("a", lost, now=200, chance=0.5)
    assert breaker.error("a", 209.9) is not None
    assert breaker.error("a", 210) is None


def test_a_failure_that_somebody_must_mend_bars_the_way_until_it_is_forgotten() -> None:
    breaker: Breaker[str] = Breaker(Backoff())
    error = PolicyError("no", shortfalls=[Shortfall.NO_TLS])
    breaker.failed("a", Setback(error, 0, has_token=False), now=100, chance=0)
    barred = breaker.error("a", 1e12)
    assert isinstance(barred, PolicyError)
    assert barred.shortfalls == {Shortfall.NO_TLS}
    breaker.forget("a")
    assert breaker.error("a", 100) is None


def test_when_too_many_have_failed_the_one_not_asked_for_longest_may_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "POOL_FAILURES", 2)
    breaker: Breaker[str] = Breaker(Backoff())
    refused = Setback(PolicyError("no", shortfalls=[Shortfall.NO_TLS]), 0, has_token=False)
    breaker.failed("a", refused, now=100, chance=0)
    breaker.failed("b", refused, now=100, chance=0)
    assert breaker.error("a", 200) is not None
    breaker.failed("c", refused, now=300, chance=0)
    assert [key for key in "abc" if breaker.error(key, 400)] == ["a", "c"]
