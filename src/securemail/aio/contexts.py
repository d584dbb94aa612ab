"""TLS contexts, each built once and off the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from securemail.aio.known import Known
from securemail.aio.sessions import Sessions
from securemail.tls.context import ClientContext, ContextKey, build_context

# Building one took 3 to 16 ms: at a bridge's start that is the event loop standing still for a
# minute. They hold no secret, so that all sessions of a process may share them. The oldest goes
# when there are more than any program has kinds of accounts.
_MOST: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What all connections with one key share.

    OpenSSL takes up a session only with the context that it comes from, so they go together.
    """

    context: ClientContext
    sessions: Sessions = field(default_factory=Sessions)
    known: Known = field(default_factory=Known)


_built: Final[dict[ContextKey, Shared]] = {}
# One thread of their own: two never build the same, and name look-ups that hang in the loop's
# executor do not hold them up.
_builder: Final = ThreadPoolExecutor(1, thread_name_prefix="securemail-tls")


async def shared_context(key: ContextKey) -> Shared:
    """Return the process's context for `key`, built in a thread the first time."""
    shared = _built.get(key)
    if shared is not None:
        return shared
    return await asyncio.get_running_loop().run_in_executor(_builder, _build_once, key)


def _build_once(key: ContextKey) -> Shared:
    if key not in _built:
        if len(_built) >= _MOST:
            del _built[next(iter(_built))]
        _built[key] = Shared(build_context(key))
    return _built[key]
