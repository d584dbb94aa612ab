"""What stands between the watches and the server, in a process of its own.

Its record of all that passes would be taken for memory of the watches.

    python -m benchmarks.soak.relay SEED BYTES

Three proxies in turn are for IMAP with implicit TLS, IMAP with STARTTLS, and POP3.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from benchmarks.soak.child import say, told
from benchmarks.soak.server import HOST

from securemail import Endpoint, TLSMode
from securemail.testing import (
    AtByte,
    Corrupt,
    Cut,
    Delay,
    Fault,
    FaultProxy,
    Reset,
    Side,
    Split,
    Stall,
    Truncate,
)
from securemail.testing.faults import Action

# Of all connections so many have a fault, and so many of these before they are ready.
_STRUCK: Final = 0.6
_EARLY: Final = 0.3
# What each side says until a mailbox is watched, in octets, more or less.
_UNTIL_READY: Final = {Side.SERVER: 4500, Side.CLIENT: 2500}
_LONGEST_DELAY_S: Final = 3.0
_FORGET_S: Final = 5.0


class Misfortune:
    """Draws a fault for each connection; `is_over` ends that."""

    def __init__(self, seed: int, mean_bytes: float) -> None:
        self.is_over = False
        self._chance = random.Random(seed)
        self._mean_bytes = mean_bytes

    def __call__(self, _number: int) -> list[Fault]:
        """Return the faults of a connection."""
        chance = self._chance
        if self.is_over or chance.random() > _STRUCK:
            return []
        side = chance.choice(list(Side))
        offset = chance.randrange(_UNTIL_READY[side])
        if chance.random() > _EARLY:
            offset = _UNTIL_READY[side] + int(chance.expovariate(1 / self._mean_bytes))
        return [Fault(self._action(), AtByte(offset), side)]

    def _action(self) -> Action:
        chance = self._chance
        actions: tuple[Action, ...] = (
            Cut(),
            Reset(),
            Stall(),
            Truncate(),
            Corrupt(1 << chance.randrange(8)),
            Split(),
            Delay(chance.uniform(0, _LONGEST_DELAY_S)),
        )
        return chance.choice(actions)


async def forget(proxies: list[FaultProxy]) -> None:
    """Drop what the proxies record; nobody asks for it."""
    while True:
        await asyncio.sleep(_FORGET_S)
        for relayed in (each for proxy in proxies for each in proxy.connections):
            relayed.from_client.clear()
            relayed.from_server.clear()


def struck(proxies: list[FaultProxy]) -> dict[str, int]:
    """Return how often each kind of fault has struck."""
    faults = (f for p in proxies for connection in p.connections for f in connection.struck)
    return Counter(type(fault.action).__name__.lower() for fault in faults)


async def relay(seed: int, mean_bytes: float) -> None:
    misfortune = Misfortune(seed, mean_bytes)
    nowhere = Endpoint(HOST, 1, TLSMode.IMPLICIT, addresses=["127.0.0.1"])
    proxies = [FaultProxy(nowhere, plan=misfortune) for _ in range(3)]
    async with AsyncExitStack() as stack:
        for proxy in proxies:
            await stack.enter_async_context(proxy)
        forgetting = asyncio.create_task(forget(proxies))
        say([proxy.port for proxy in proxies])
        async for words in told():
            match words:
                case ["to", *ports]:
                    for proxy, port in zip(proxies, ports, strict=True):
                        proxy.server = replace(proxy.server, port=int(port))
                case ["at", address]:
                    for proxy in proxies:
                        proxy.server = replace(proxy.server, addresses=(address,))
                case ["calm"]:
                    misfortune.is_over = True
                case ["struck"]:
                    say([sum(proxy.accepted for proxy in proxies), struck(proxies)])
                    continue
            say(None)
        forgetting.cancel()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), float(sys.argv[2])))
