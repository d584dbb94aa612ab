"""CPU time to connect, log in and log out: the first time and again, one by one and 50 at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product

from benchmarks.harness import OURS, PeerError, Process, Row, present, ratios, row
from benchmarks.peer import Job
from benchmarks.world import World

NAME = "CPU of a connect"
ROUNDS = {False: 5, True: 9}
COUNTS = {False: 50, True: 200}
AT_ONCE = 50
BASE = "imaplib"
PEERS = (
    *(OURS, f"{OURS}+uvloop", BASE),
    *("aioimaplib", "aioimaplib+uvloop", "imapflow", "go-imap", "curl"),
)
# Milliseconds, user and system, one by one.
TARGETS_MS = {"first": 2.0, "again": 1.5}


def run(world: World, *, is_full: bool) -> Iterator[Row]:
    """Measure each peer in turn, over implicit TLS to Dovecot."""
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(peer)) for peer in present(PEERS)]
        for which, at_once in product(("first", "again"), (1, AT_ONCE)):
            count = max(COUNTS[is_full], at_once)
            rounds: list[dict[str, float]] = []
            for number in range(ROUNDS[is_full]):
                job = world.job(
                    "connects",
                    *("imap", "implicit"),
                    count=count,
                    concurrency=at_once,
                    is_first=which == "first",
                    number=(number + at_once) * 1000,
                )
                took = dict(_round(job, [p for p in processes if _is_wanted(p, which)]))
                rounds.append({name: 1000 * used_s / count for name, used_s in took.items()})
            case = f"{which}, {'one by one' if at_once == 1 else f'{at_once} at once'}"
            yield from _rows(case, rounds, TARGETS_MS[which] if at_once == 1 else None)


def _round(job: Job, processes: list[Process]) -> Iterator[tuple[str, float]]:
    for process in processes:
        try:
            yield process.peer.name, process.ask(job)["cpu_s"]
        except PeerError as exc:
            print(f"left out of {NAME!r}: {exc}")


def _is_wanted(process: Process, which: str) -> bool:
    # None of the others resumes TLS by itself: again is as the first time, but for the base.
    return which == "first" or process.peer.name.startswith((OURS, BASE))


def _rows(case: str, rounds: list[dict[str, float]], target_ms: float | None) -> Iterator[Row]:
    for name in dict.fromkeys(name for each in rounds for name in each):
        target = target_ms if name == OURS else None
        values = [each[name] for each in rounds if name in each]
        yield row((NAME, case, name), "ms CPU (absolute)", values, target=target)
    yield from ratios((NAME, case), rounds, BASE)
