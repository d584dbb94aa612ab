"""What the transport wants of the first protocol above it."""

from __future__ import annotations

import asyncio


class Upper(asyncio.Protocol):
    """The first protocol above: told when TLS is up, before any byte that came through it."""

    __slots__ = ()

    def tls_established(self) -> None:
        """Take note that what comes from here on came inside TLS."""
        raise NotImplementedError
