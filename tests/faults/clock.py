"""An event loop whose clock jumps ahead when nothing will happen before the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Both ends are in this process: what has not come after so long will not come. A machine that
# stands still meanwhile makes a deadline pass too early, which no test here takes for a fault.
_QUIET_S: Final = 0.05


class _JumpingSelector(selectors.DefaultSelector):
    skipped_s = 0.0
    threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= _QUIET_S:
            return super().select(timeout)
        events = super().select(_QUIET_S)
        # What a thread does takes as long as a busy machine lets it.
        if not events and not self.threads:
            self.skipped_s += timeout - _QUIET_S
        return events


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time limits pass in it without anybody waiting for them."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return seconds of this loop's own time."""
        return super().time() + self._jumping.skipped_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Stay in the time of people until the thread is done."""
        self._jumping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _future: object) -> None:
        self._jumping.threads -= 1


def run(work: Coroutine[Any, Any, T], *, loop: Callable[[], asyncio.AbstractEventLoop]) -> T:
    """Run `work` without asyncio's debug mode, which makes a sweep three times as long."""
    with asyncio.Runner(debug=False, loop_factory=loop) as runner:
        return runner.run(work)
