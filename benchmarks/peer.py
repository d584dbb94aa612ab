"""What a peer is: a process that reads a job a line, does it, and answers with a line, both JSON.

A peer in Python calls `serve` with how it makes a session and how it leaves one; one in another
language reads the same lines. CPU time is what the process itself has used, user and system.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import resource
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from benchmarks.files import raise_file_limit

Connect = Callable[["Job"], Any]
Leave = Callable[[Any], Any]
Operation = Callable[["Job", Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do, and where.

    `ready` holds one session until `leave`, and says how long it took; `connects` makes `count` of
    them, `concurrency` at once; `hold` keeps `count` sessions until the process ends; any other is
    one of the peer's own operations, on a session of its own.
    """

    do: str
    service: str = "imap"
    tls: str = "implicit"
    address: str = ""
    port: int = 0
    host: str = ""
    ca: str = ""
    user: str = ""
    password: str = ""
    count: int = 1
    concurrency: int = 1
    is_first: bool = False  # to this server, as far as the account is concerned
    number: int = 0  # of the session, from 0
    # What benchmarks.bulk has, for those who cannot import it.
    mailbox: str = ""
    messages: str = ""
    items: str = ""
    sender: str = ""
    recipient: str = ""
    message: str = ""


class NamedContext(ssl.SSLContext):
    """A context that expects one host, whatever address is connected to."""

    host = ""

    def wrap_bio(self, incoming: Any, outgoing: Any, *_: Any, **__: Any) -> Any:
        """Wrap for asyncio."""
        return super().wrap_bio(incoming, outgoing, server_hostname=self.host)

    def wrap_socket(self, sock: Any, *_: Any, **__: Any) -> Any:
        """Wrap for blocking clients."""
        return super().wrap_socket(sock, server_hostname=self.host)


@cache
def context(job_ca: str, host: str) -> NamedContext:
    """Return the one context that all sessions of a process share: it costs 20 ms to make."""
    made = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    made.host = host
    made.load_verify_locations(job_ca)
    return made


def serve(connect: Connect, leave: Leave, **operations: Operation) -> None:
    """Do the jobs that come on stdin, on uvloop if that is the one argument."""
    raise_file_limit()
    is_async = inspect.iscoroutinefunction(connect)
    runner = _async_runner() if is_async else None
    held: list[Any] = []
    for line in sys.stdin:
        job = Job(**json.loads(line))
        # Garbage of an earlier job is no cost of this one.
        gc.collect()
        try:
            answer = _do(job, connect, leave, operations, held, runner)
        except Exception as exc:  # noqa: BLE001 - told to whoever asked
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        print(json.dumps(answer), flush=True)


def _async_runner() -> asyncio.Runner:
    if sys.argv[1:] == ["uvloop"]:
        import uvloop  # noqa: PLC0415 - where it is asked for

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner()


def _do(
    job: Job,
    connect: Connect,
    leave: Leave,
    operations: dict[str, Operation],
    held: list[Any],
    runner: asyncio.Runner | None,
) -> dict[str, Any]:
    def finish(result: Any) -> Any:
        return runner.run(_awaited(result)) if runner is not None else result

    match job.do:
        case "ready":
            with measured() as took:
                held.append(finish(connect(job)))
            return took
        case "leave":
            while held:
                finish(leave(held.pop()))
            return {}
        case "connects":
            with measured() as took:
                if runner is not None:
                    runner.run(_many(job, connect, leave))
                else:
                    _many_in_threads(job, connect, leave)
            return took
        case "hold":
            with measured() as took:
                for start in range(0, job.count, job.concurrency):
                    batch = range(start, min(start + job.concurrency, job.count))
                    made = [connect(replace(job, number=number)) for number in batch]
                    held.extend(runner.run(_all(made)) if runner is not None else made)
            gc.collect()
            return {**took, "rss": rss_bytes()}
        case name:
            return _operate(operations[name], job, held, finish, connect, leave)


def _operate(
    operation: Operation,
    job: Job,
    held: list[Any],
    finish: Callable[[Any], Any],
    connect: Connect,
    leave: Leave,
) -> dict[str, Any]:
    session = held or finish(connect(job))
    with measured() as took:
        said = finish(operation(job, session))
    if not held:
        finish(leave(session))
    gc.collect()
    return {**took, "rss": rss_bytes(), **(said or {})}


async def _awaited(result: Awaitable[Any] | Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def _all(made: list[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*made)


async def _many(job: Job, connect: Connect, leave: Leave) -> None:
    numbers = iter(range(job.count))

    async def one_after_another() -> None:
        for number in numbers:
            await leave(await connect(replace(job, number=job.number + number)))

    await asyncio.gather(*(one_after_another() for _ in range(job.concurrency)))


def _many_in_threads(job: Job, connect: Connect, leave: Leave) -> None:
    with ThreadPoolExecutor(job.concurrency) as threads:
        numbers = range(job.number, job.number + job.count)
        list(threads.map(lambda number: leave(connect(replace(job, number=number))), numbers))


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Yield what will say how long the block took, and how much of the CPU."""
    took: dict[str, float] = {}
    began_s, before_s, waits = time.perf_counter(), _cpu_s(), _waits()
    yield took
    took["wakeups"] = _waits() - waits
    took["cpu_s"] = _cpu_s() - before_s
    took["wall_s"] = time.perf_counter() - began_s


def _cpu_s() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _waits() -> int:
    """Return how often this process has gone to sleep to wait for something."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def rss_bytes() -> int:
    """Return the memory of this process that is in RAM."""
    with open("/proc/self/statm") as statm:  # noqa: PTH123 - not a path of anybody's
        return int(statm.read().split()[1]) * resource.getpagesize()
