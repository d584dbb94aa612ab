"""One dialogue with a fault in it, played many times, and what must be true of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from securemail import DeadlineError, SecureMailError, SecureSession, Service
from securemail.testing import (
    AtByte,
    AtStep,
    Corrupt,
    Cut,
    Fault,
    FaultProxy,
    MailServer,
    Relayed,
    Reset,
    Side,
    Stall,
)
from tests.faults.scenes import LIMITS, MAY_LEAVE, USERS, Scene

ACTIONS: Final = (Cut(), Stall(), Reset(), Corrupt())
_MOST_CONNECTIONS: Final = 2
_RECORD_TYPES: Final = frozenset((20, 21, 22, 23))  # RFC 8446 section 5.1

# What is done with a session: returns the errors of its commands, those that waited included.
Use = Callable[[SecureSession], Awaitable[list[BaseException]]]


@dataclass(frozen=True, slots=True)
class Honest:
    """A dialogue as it goes when nothing is wrong, and the numbers of its steps."""

    relayed: Relayed
    tls: int  # where the first TLS record is
    ready: int  # where the login is done
    used: int  # where the farewell begins


@dataclass(frozen=True, slots=True)
class Ending:
    """How one dialogue ended; `seconds` are those of the loop's own clock.

    A second connection is one on which less was offered, since the first broke in the handshake.
    """

    fault: Fault
    errors: list[BaseException]
    seconds: float
    connections: tuple[Relayed, ...]


async def no_use(session: SecureSession) -> list[BaseException]:
    """Do nothing: the fault is in the login."""
    return []


async def honest(server: MailServer, scene: Scene, use: Use) -> Honest:
    """Play the dialogue without a fault."""
    async with FaultProxy(server.endpoint(scene.tls, scene.service)) as proxy:
        session = await scene.connect(proxy.endpoint, USERS[0])
        (relayed,) = proxy.connections
        ready = len(relayed.steps())
        assert await use(session) == []
        used = len(relayed.steps())
        await session.aclose()
        await proxy.wait_quiet()
    finder = relayed.flows[Side.SERVER].finder
    assert finder.tls_at is not None
    return Honest(relayed, finder.starts.index(finder.tls_at), ready, used)


def bytes_of(dialogue: Honest, stop: int) -> Iterator[AtByte]:
    """Each octet before the step `stop`."""
    yield from map(AtByte, range(dialogue.relayed.steps()[stop]))


def records_of(dialogue: Honest, begin: int) -> Iterator[AtStep]:
    """Each record from the step `begin` on: its edges and its middle.

    They are counted, since their octets differ: DER signatures, nonces.
    """
    starts = [*dialogue.relayed.steps(), len(dialogue.relayed.from_server)]
    for number in range(begin, len(starts) - 1):
        size = starts[number + 1] - starts[number]
        for plus in sorted({0, 1, size // 2, size - 1}):
            yield AtStep(number, plus)


async def sweep(
    server: MailServer, scene: Scene, faults: Sequence[Fault], use: Use
) -> list[Ending]:
    """Play the dialogue once with each fault, and see that nothing is left behind."""
    endings: list[Ending] = []
    for begin in range(0, len(faults), len(USERS)):
        before = open_files()
        batch = zip(faults[begin : begin + len(USERS)], USERS, strict=False)
        endings += await asyncio.gather(
            *(_play(server, scene, fault, user, use) for fault, user in batch)
        )
        await server.wait_quiet()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert open_files() == before
    return endings


async def _play(server: MailServer, scene: Scene, fault: Fault, user: str, use: Use) -> Ending:
    clock = asyncio.get_running_loop().time
    async with FaultProxy(server.endpoint(scene.tls, scene.service), fault) as proxy:
        begun = clock()
        try:
            session = await scene.connect(proxy.endpoint, user)
            errors = await use(session)
            await session.aclose()
        except Exception as exc:  # noqa: BLE001 - one that is not ours is what we look for
            errors = [exc]
        seconds = clock() - begun
        # Both ends have closed their sockets: whoever left one open waits here for ever.
        await proxy.wait_quiet()
    return Ending(fault, errors, seconds, tuple(proxy.connections))


def complaints(ending: Ending, scene: Scene, dialogue: Honest) -> list[str]:
    """Return what is not as it must be."""
    found = [*_about_errors(ending, dialogue), *_about_connections(ending, scene.service)]
    return [f"{ending.fault}: {words}" for words in found]


def _about_errors(ending: Ending, dialogue: Honest) -> Iterator[str]:
    errors, at = ending.errors, ending.fault.at
    if isinstance(at, AtStep) and at.number >= dialogue.used:
        if errors:  # whoever leaves has all that there was to have
            yield f"the farewell raised {errors}"
        return
    # A flipped bit in the words of a greeting changes nothing that matters.
    if not errors and ending.fault.action != Corrupt():
        yield "nobody was told"
    for error in errors:
        if not isinstance(error, SecureMailError):
            yield f"ended with {error!r}"
        elif words := _about_time(error, ending.fault):
            yield f"{words}: {error!r}"
    if ending.seconds > LIMITS.total:
        yield f"took {ending.seconds:.0f} s"


def _about_time(error: SecureMailError, fault: Fault) -> str | None:
    if isinstance(error, DeadlineError) and error.seconds != getattr(LIMITS, error.phase):
        return "the limit of another phase"
    if isinstance(fault.action, Cut | Reset) and isinstance(error, DeadlineError):
        return "did not end at once"
    return None


def _about_connections(ending: Ending, service: Service) -> Iterator[str]:
    if not ending.connections[0].struck:
        yield "the fault did not strike"
    # Those who say nothing are not ours: they look for another server that has had this port.
    said = [bytes(each.from_client[:40]) for each in ending.connections if each.from_client]
    if len(said) > _MOST_CONNECTIONS:
        yield f"{len(said)} connections, on which was said {sorted(set(said))[:3]}"
    for relayed in ending.connections:
        yield from about_octets(relayed, service)


def about_octets(relayed: Relayed, service: Service) -> Iterator[str]:
    """Say what left the client and must not."""
    if not MAY_LEAVE[service].fullmatch(relayed.cleartext):
        yield f"in cleartext left {relayed.cleartext!r}"
    tls_at = relayed.flows[Side.CLIENT].finder.tls_at
    behind = () if tls_at is None else (s for s in relayed.steps(Side.CLIENT) if s >= tls_at)
    if any(relayed.from_client[start] not in _RECORD_TYPES for start in behind):
        yield "something else than TLS followed TLS"


def open_files() -> set[str]:
    """Return the numbers of our file descriptors."""
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}
