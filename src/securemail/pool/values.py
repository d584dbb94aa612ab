"""What a pool may hold, and what it has done. No I/O here."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from securemail.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How many sessions a pool has, and for how long; times in seconds.

    `maximum` and `minimum` are per account and service: the minimum is kept up once the account was
    used. `per_host` is for all accounts on one host, since providers count connections by address.
    A session is closed when nobody has used it for `idle`, above the minimum, or when it is older
    than `maximum_age`. One that was idle for `check_after` is asked whether its server is there
    before it is handed out. `wait` is how long one may wait for a session.

    Raises: UsageError for numbers that cannot be, or a minimum above the maximum.
    """

    maximum: int = 4
    minimum: int = 0
    per_host: int = 50
    idle: float = 300.0
    maximum_age: float = 6 * 3600.0
    check_after: float = 30.0
    wait: float = 60.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            kinds = (int,) if item.type == "int" else (int, float)
            lowest = 0 if item.name == "minimum" else 1 if item.type == "int" else 0.0
            is_number = isinstance(value, kinds) and not isinstance(value, bool)
            if not is_number or not lowest <= value < math.inf:
                raise UsageError(f"{value!r} cannot be", field=f"PoolLimits.{item.name}")
        if self.minimum > self.maximum:
            raise UsageError("more than the maximum", field="PoolLimits.minimum")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """What a pool holds now, and what it has done since it was made.

    `leased` sessions are in use, or being connected for somebody; `waiting` is who waits for one.
    `reused` were handed out again, `failed_checks` found dead before that, `evicted` closed to make
    room on their host. A pool that is closed holds nothing.
    """

    idle: int
    leased: int
    waiting: int
    connected: int
    failed_connects: int
    reused: int
    failed_checks: int
    evicted: int
    poisoned: int
