"""Memory of a session that is logged in and rests, and after an answer of 300 kB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.harness import OURS, PeerError, Process, Row, present, row
from benchmarks.peer import Job
from benchmarks.scripted import is_missing, scripted
from benchmarks.world import World

NAME = "memory of a session"
SESSIONS = {False: 1000, True: 10_000}
AT_ONCE = 50
PEERS = (OURS, f"{OURS}+uvloop", "aioimaplib", "aioimaplib+uvloop", "imapflow", "go-imap")
REST_S = 3
# KiB, and wake-ups: the timer that ends the measurement is one.
TARGETS = {
    ("at rest", "KiB"): 50.0,
    ("in IDLE", "KiB"): 50.0,
    ("in IDLE", "wake-ups"): 1.0,
    ("after 300 kB", "KiB"): 80.0,
}


def run(world: World, *, is_full: bool) -> Iterator[Row]:
    """Measure each peer in a process of its own, on a server that holds very many sessions."""
    if is_missing(NAME):
        return
    count = SESSIONS[is_full]
    for peer in present(PEERS):
        with scripted(world, "imap") as job, Process(peer) as process:
            try:
                for case, unit, value in _cases(process, replace(job, do="hold"), count):
                    target = TARGETS.get((case, unit.split()[0])) if peer.name == OURS else None
                    place = (NAME, f"{case}, {count:,} sessions", peer.name)
                    yield row(place, unit, [value], target=target)
            except PeerError as exc:
                print(f"left out of {NAME!r}: {exc}")


def _cases(process: Process, job: Job, count: int) -> Iterator[tuple[str, str, float]]:
    # Code that is loaded with the first session, and contexts, are no part of the others.
    before = process.ask(job)["rss"]
    held = replace(job, count=count, concurrency=AT_ONCE)
    unit = "KiB (absolute)"
    yield "at rest", unit, (process.ask(held)["rss"] - before) / count / 1024
    idling = process.ask(replace(held, do="idle"))["rss"]
    yield "in IDLE", unit, (idling - before) / count / 1024
    rest = process.ask(replace(job, do="rest", count=REST_S))
    yield "in IDLE", f"wake-ups in {REST_S} s", rest["wakeups"]
    yield "in IDLE, CPU", f"ms in {REST_S} s (absolute)", 1000 * rest["cpu_s"]
    after = process.ask(replace(held, do="burst"))["rss"]
    yield "after 300 kB", unit, (after - before) / count / 1024
