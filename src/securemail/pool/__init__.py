"""Sessions that are kept and handed out again."""

from securemail.pool.pool import SessionPool
from securemail.pool.values import PoolLimits, PoolStatistics

__all__ = ["PoolLimits", "PoolStatistics", "SessionPool"]
