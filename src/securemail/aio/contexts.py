"""TLS contexts, each built once and off the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from securemail.tls.context import ClientContext, ContextKey, build_context

# Building one took 3 to 16 ms: at a bridge's start that is the event loop standing still for a
# minute. They hold no secret, so that all sessions of a process may share them. The oldest goes
# when there are more than any program has kinds of accounts.
_MOST: Final = 64
_built: Final[dict[ContextKey, ClientContext]] = {}
# One thread of their own: two never build the same, and name look-ups that hang in the loop's
# executor do not hold them up.
_builder: Final = ThreadPoolExecutor(1, thread_name_prefix="securemail-tls")


async def shared_context(key: ContextKey) -> ClientContext:
    """Return the process's context for `key`, built in a thread the first time."""
    context = _built.get(key)
    if context is not None:
        return context
    return await asyncio.get_running_loop().run_in_executor(_builder, _build_once, key)


def _build_once(key: ContextKey) -> ClientContext:
    if key not in _built:
        if len(_built) >= _MOST:
            del _built[next(iter(_built))]
        _built[key] = build_context(key)
    return _built[key]
