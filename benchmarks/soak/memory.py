"""Memory over time: samples, and how much it grows."""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PAGE_KIB: Final = resource.getpagesize() / 1024
# Until caches are full and every mailbox has had its first bad luck.
_WARM_UP: Final = 1 / 3
# Each session has a file.
_UP: Final = 0.9


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, so many minutes after the start."""

    minute: float
    resident_kib: float
    objects: int
    files: int
    tasks: int


@dataclass(slots=True)
class Memory:
    """What this process holds, sampled until cancelled."""

    samples: list[Sample] = field(default_factory=list)

    async def watch(self, every_s: float) -> None:
        """Take a sample each `every_s` seconds."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            await asyncio.sleep(every_s)
            self.samples.append(sample((loop.time() - began_s) / 60))

    @property
    def settled(self) -> list[Sample]:
        """The samples after the warm-up, those left out that saw the server down.

        Sessions that are gone hold nothing, and two such samples make a slope of any run.
        """
        settled = self.samples[int(len(self.samples) * _WARM_UP) :]
        most = max((each.files for each in settled), default=0)
        return [each for each in settled if each.files > _UP * most]

    def slope(self, name: str) -> float:
        """Return by how much of the median it grows in a minute, by least squares."""
        points = [(each.minute, getattr(each, name)) for each in self.settled]
        if len(points) < 3:
            return 0.0
        line = statistics.linear_regression(*zip(*points, strict=True))
        return float(line.slope / statistics.median(value for _, value in points))

    def drift(self, name: str) -> float:
        """Return by how much of the median it grows in a minute like most others.

        The heap grows in steps, whenever more is in use at once than ever before: a line through
        one step says that it grows all the time.
        """
        values = [getattr(each, name) for each in self.settled]
        minutes = [each.minute for each in self.settled]
        if len(values) < 3:
            return 0.0
        rates = [
            (after - before) / (late - early)
            for before, after, early, late in zip(
                values, values[1:], minutes, minutes[1:], strict=False
            )
        ]
        return float(statistics.median(rates) / statistics.median(values))


def open_files() -> int:
    """Return how many files this process has open, this look included."""
    return len(list(Path("/proc/self/fd").iterdir()))


def sample(minute: float) -> Sample:
    """Look once."""
    # What waits to be collected is no leak; how much of it there is depends on the moment.
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(
        minute=minute,
        resident_kib=pages * _PAGE_KIB,
        objects=len(gc.get_objects()),
        files=open_files(),
        tasks=len(asyncio.all_tasks()),
    )
