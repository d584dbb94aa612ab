"""Time limits: one for each phase, and one for all of them."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Final, Literal

from securemail.errors import DeadlineError, UsageError

Step = Literal["connect", "tls", "greeting", "command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each phase may take, in seconds.

    `connect` covers the name look-up and TCP, `tls` one handshake, `greeting` the server's first
    line, `command` each command up to login and each of the client's own afterwards. `total` bounds
    everything from connect to ready.

    Raises: UsageError for a limit that is not a positive number.
    """

    connect: float = 30.0
    tls: float = 20.0
    greeting: float = 20.0
    command: float = 30.0
    total: float = 60.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not 0 < value < math.inf
            ):
                raise UsageError(
                    f"{value!r} is not a positive number of seconds", field=f"Timeouts.{item.name}"
                )


USUAL: Final = Timeouts()


class Clock:
    """Watches one connection: the limit of the phase it is in, and the one for all."""

    __slots__ = (
        "_end",
        "_timeouts",
    )

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._end: float | None = None

    def start(self) -> None:
        """Begin to count towards `Timeouts.total`."""
        self._end = asyncio.get_running_loop().time() + self._timeouts.total

    def stop(self) -> None:
        """Stop counting: from here each phase has its own limit only."""
        self._end = None

    def limit(self, step: Step, doing: str) -> Limit:
        """Bound what is done inside.

        Raises: DeadlineError, which says what was being done and which limit passed.
        """
        seconds: float = getattr(self._timeouts, step)
        when = asyncio.get_running_loop().time() + seconds
        if self._end is not None and self._end < when:
            when, seconds = self._end, self._timeouts.total
        return Limit(step, doing, seconds, asyncio.timeout_at(when))


@dataclass(slots=True)
class Limit:
    """The limit of one step.

    A generator in its place is held, from Python 3.12 on, by the traceback of the cancellation that
    was thrown into it, and holds this in turn: each time-out left a session to the collector.
    """

    _step: Step
    _doing: str
    _seconds: float
    _timer: asyncio.Timeout

    async def __aenter__(self) -> None:
        await self._timer.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._timer.__aexit__(kind, error, traceback)
        except TimeoutError as exc:
            raise self._passed() from exc
        # Whoever was cancelled inside may have called it a time-out already.
        if isinstance(error, TimeoutError) and self._timer.expired():
            raise self._passed() from error

    def _passed(self) -> DeadlineError:
        return DeadlineError(
            f"{self._doing} took longer than {self._seconds:g} s",
            phase=self._step,
            seconds=self._seconds,
        )
