"""One thread that has the database: SQLite and keyrings block, and the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from securemail.errors import UsageError

ResultT = TypeVar("ResultT")


class Thread:
    """Runs functions one after another, in the order of the calls.

    A call that is cancelled before its turn does nothing; later it is done to its end, so that no
    half of it is left.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="securemail-store")
        self._is_stopped = False

    async def run(self, function: Callable[[], ResultT]) -> ResultT:
        """Return what `function` returns, or raise what it raises."""
        if self._is_stopped:
            raise UsageError("it is closed", field="AccountStore")
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def stop(self, last: Callable[[], None]) -> None:
        """Run `last`, and nothing after it. To be cancelled does not keep it from running."""
        if self._is_stopped:
            return
        self._is_stopped = True
        done = asyncio.get_running_loop().run_in_executor(self._executor, last)
        self._executor.shutdown(wait=False)
        await asyncio.shield(done)
