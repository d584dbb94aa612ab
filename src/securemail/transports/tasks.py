# SPDX-License-Identifier: Apache-2.0
"""Tasks on behalf of a program."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any


def kept(work: Coroutine[Any, Any, Any], name: str, among: set[Any]) -> asyncio.Task[Any]:
    """Return a task of that `name` that is in `among` as long as it runs."""
    task = asyncio.create_task(work, name=name)
    among.add(task)
    task.add_done_callback(partial(_forget, among))
    return task


def _forget(among: set[Any], done: asyncio.Task[Any]) -> None:
    among.discard(done)
    # A program that drops the future has not forgotten an error: all its calls will raise it.
    if not done.cancelled():
        done.exception()


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel `task` and return when it has ended."""
    task.cancel()
    await asyncio.wait({task})
