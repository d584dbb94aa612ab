"""What it costs that each command asks the gate, and each step tells an observer."""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.harness import OURS, PEERS, Process, Row, row
from benchmarks.scripted import is_missing, scripted
from benchmarks.world import World

from securemail import Account, Endpoint, Password, Policy, Service, TLSMode
from securemail.aio.reporter import Reporter
from securemail.intent import Intent
from securemail.observers.logs import LoggingObserver
from securemail.policy.gate import Gate
from tests.values import GOOD_PROOF

NAME = "the gate and the observers"
ROUNDS = {False: 5, True: 15}
CALLS = 20_000
NOOPS = 2_000


def run(world: World, *, is_full: bool) -> Iterator[Row]:
    """Measure both by themselves, and beside the command that they are a part of."""
    rounds = ROUNDS[is_full]
    gate = Gate(Policy(), GOOD_PROOF)
    gate_ns = list(_timed(lambda: gate(Intent.USE), rounds))
    yield row((NAME, "the gate, for each command", OURS), "ns CPU (absolute)", gate_ns)
    if not is_missing("the gate's part of a NOOP"):
        noop_ns = list(_noops(world, rounds))
        yield row((NAME, "NOOP, whole", OURS), "ns CPU (absolute)", noop_ns)
        shares = [100 * each / of for each, of in zip(gate_ns, noop_ns, strict=True)]
        yield row((NAME, "the gate's part of a NOOP", OURS), "% of CPU", shares, target=5.0)
    yield from asyncio.run(_observers(rounds))


async def _observers(rounds: int) -> list[Row]:
    found = []
    for name, observer in (
        ("an event, nobody listens", None),
        ("an event, to a function", lambda _: None),
        ("an event, to a log that leaves it out", LoggingObserver(_logger(logging.INFO))),
        ("an event, to the log", LoggingObserver(_logger(logging.DEBUG))),
    ):
        account = Account(
            "bob@example.test",
            credentials=Password("bob", "secret"),
            imap=Endpoint("mail.example.test", 993, TLSMode.IMPLICIT),
        )
        endpoint = account.imap
        assert endpoint is not None
        reporter = Reporter(observer, account, Service.IMAP, endpoint)
        values = _timed(reporter.greeted, rounds)
        found.append(row((NAME, name, OURS), "ns CPU (absolute)", values))
    return found


def _logger(level: int) -> logging.Logger:
    """Return one whose lines go nowhere; that the server has greeted is DEBUG."""
    logger = logging.getLogger(f"benchmark.{level}")
    logger.setLevel(level)
    logger.propagate = False
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    return logger


def _timed(call: Callable[[], object], rounds: int) -> Iterator[float]:
    for _ in range(rounds):
        began_ns = time.process_time_ns()
        for _ in range(CALLS):
            call()
        yield (time.process_time_ns() - began_ns) / CALLS


def _noops(world: World, rounds: int) -> Iterator[float]:
    with scripted(world, "imap") as job, Process(PEERS[OURS]) as process:
        noops = replace(job, do="noop", count=NOOPS)
        process.ask(noops)
        for _ in range(rounds):
            yield process.ask(noops)["cpu_s"] * 1e9 / NOOPS
