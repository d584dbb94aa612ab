"""Cancel a coroutine where it waits for the n-th time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from enum import Enum
from typing import Any


class When(Enum):
    """Before what is waited for has come, or together with it."""

    WAITING = "while it waits"
    WOKEN = "as it comes"


class CancelledAt:
    """Awaits a coroutine; cancels the task that does, where the coroutine waits for the n-th time.

    `waits` counts how often it has waited. `whom` is another task to cancel, one that waits for
    this one.
    """

    def __init__(
        self,
        work: Coroutine[Any, Any, Any],
        number: int,
        when: When,
        *,
        whom: asyncio.Task[Any] | None = None,
    ) -> None:
        self._work = work
        self._number = number
        self._when = when
        self._whom = whom
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        try:
            waiting = steps.send(None)
            while True:
                self.waits += 1
                if self.waits == self._number:
                    self._cancel(waiting)
                try:
                    sent = yield waiting
                except BaseException as exc:  # noqa: BLE001 - it is the coroutine's
                    waiting = steps.throw(exc)
                else:
                    waiting = steps.send(sent)
        except StopIteration as end:
            return end.value

    def _cancel(self, waiting: asyncio.Future[Any] | None) -> None:
        task = self._whom or asyncio.current_task()
        assert task is not None
        if self._when is When.WAITING or waiting is None:
            task.cancel()
        else:
            # Ours is called before the task's own: it has its answer, and does not know yet.
            waiting.add_done_callback(lambda _: task.cancel())
