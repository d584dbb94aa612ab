# SPDX-License-Identifier: Apache-2.0
"""Tasks on behalf of a program."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def kept(work: Coroutine[Any, Any, Any], among: set[Any]) -> asyncio.Task[Any]:
    """Return a task that is in `among` as long as it runs."""
    task = asyncio.ensure_future(work)
    among.add(task)
    task.add_done_callback(among.discard)
    # A program that drops the future has not forgotten an error: all its calls will raise it.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel `task` and return when it has ended."""
    task.cancel()
    await asyncio.wait({task})
