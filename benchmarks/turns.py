"""How long the turns of an event loop are: by the clock, on the processor, in the collector."""

from __future__ import annotations

import gc
import selectors
import time
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Worst:
    """The longest since the last look, in milliseconds.

    `clock` and `cpu` are one turn, from the events that the system reported to the next question;
    beside other processes the clock has their share of the processors in it. `cpu_without_gc`
    leaves out what the collector took, and `gc` is one pass of it, both on the processor.
    """

    clock: float = 0.0
    cpu: float = 0.0
    cpu_without_gc: float = 0.0
    gc: float = 0.0

    def or_worse(self, *new_s: float) -> Worst:
        """Return the larger of each."""
        old = (self.clock, self.cpu, self.cpu_without_gc, self.gc)
        return Worst(*(max(each, 1000 * new) for each, new in zip(old, new_s, strict=True)))


class MeasuredSelector(selectors.DefaultSelector):
    """Give it to `asyncio.SelectorEventLoop`: a turn is what happens between two calls of it."""

    def __init__(self) -> None:
        super().__init__()
        self._worst = Worst()
        self._clock = time.perf_counter()
        self._cpu = time.thread_time()
        self._gc = self._gc_began = 0.0
        gc.callbacks.append(self._collecting)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events; before it a turn ends, and behind it the next one begins."""
        cpu = time.thread_time() - self._cpu
        clock = time.perf_counter() - self._clock
        self._worst = self._worst.or_worse(clock, cpu, cpu - self._gc, 0.0)
        events = super().select(timeout)
        self._clock, self._cpu, self._gc = time.perf_counter(), time.thread_time(), 0.0
        return events

    def close(self) -> None:
        """Measure no more."""
        gc.callbacks.remove(self._collecting)
        super().close()

    def _collecting(self, phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = time.thread_time()
            return
        took = time.thread_time() - self._gc_began
        self._gc += took
        self._worst = self._worst.or_worse(0.0, 0.0, 0.0, took)

    def take(self) -> Worst:
        """Return the worst since the last call."""
        worst, self._worst = self._worst, Worst()
        return worst
