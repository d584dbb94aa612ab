"""TLS contexts, each built once and off the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from securemail.tls.context import ClientContext, ContextKey, build_context

# Building one took 3 to 16 ms: at a bridge's start that is the event loop standing still for a
# minute. They hold no secret, so that all sessions of a process may share them.
_built: Final[dict[ContextKey, ClientContext]] = {}
_building: Final = threading.Lock()


async def shared_context(key: ContextKey) -> ClientContext:
    """Return the process's context for `key`, built in a thread the first time."""
    context = _built.get(key)
    if context is not None:
        return context
    return await asyncio.get_running_loop().run_in_executor(None, _build_once, key)


def _build_once(key: ContextKey) -> ClientContext:
    with _building:
        if key not in _built:
            _built[key] = build_context(key)
        return _built[key]
