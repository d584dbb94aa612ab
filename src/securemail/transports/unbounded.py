# SPDX-License-Identifier: Apache-2.0
"""A client's methods without the time limit that each of them has by itself.

They wait with `asyncio.wait_for`, which raises what is no error of ours, and on Python 3.11 loses
a cancellation that comes together with the answer. Knows no client library.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Method = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _View:
    """All of a client that its methods look at."""

    protocol: Any
    timeout: None = None


def unbound(client: type, names: str) -> None:
    """Free these methods of a class whose `protocol` bounds its commands itself."""
    for name in names.split():
        setattr(client, name, _unbounded(getattr(client, name)))


def _unbounded(method: Method) -> Method:
    @functools.wraps(method)
    async def call(self: Any, *args: Any, **options: Any) -> Any:
        return await method(_View(self.protocol), *args, **options)

    return call


def take_timeout(command: Any) -> float | None:
    """Return the seconds of silence that the command bears, and stop its own timer.

    It would go off in the middle of a long answer that ours does not tell it of.
    """
    command._timer.cancel()  # noqa: SLF001 - there is no public way to either
    timeout_s: float | None = command._timeout  # noqa: SLF001 - likewise
    return timeout_s
