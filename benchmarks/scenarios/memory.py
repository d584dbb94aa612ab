"""Memory of a session that is logged in and rests, and after an answer of 300 kB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.harness import OURS, PeerError, Process, Row, present, row
from benchmarks.peer import Job
from benchmarks.scripted import is_missing, scripted
from benchmarks.world import World

NAME = "memory of a session"
SESSIONS = {False: 1000, True: 10_000}
AT_ONCE = 50
PEERS = (OURS, f"{OURS}+uvloop", "aioimaplib", "aioimaplib+uvloop", "imapflow", "go-imap")
REST_S = 3
RESTS = 3
# A session of the peer that takes most, and of the server.
LARGEST_BYTES = 512 * 1024
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
    if _available_bytes() < count * LARGEST_BYTES:
        print(f"{NAME} is left out: it takes {count * LARGEST_BYTES / 1e9:.0f} GB")
        return
    for peer in present(PEERS):
        with scripted(world, "imap") as job, Process(peer) as process:
            try:
                for case, unit, values in _cases(process, replace(job, do="hold"), count):
                    target = TARGETS.get((case, unit.split()[0])) if peer.name == OURS else None
                    place = (NAME, f"{case}, {count:,} sessions", peer.name)
                    yield row(place, unit, values, target=target)
            except PeerError as exc:
                print(f"left out of {NAME!r}: {exc}")


def _cases(process: Process, job: Job, count: int) -> Iterator[tuple[str, str, list[float]]]:
    # Code that is loaded with the first session, and contexts, are no part of the others.
    before = process.ask(job)["rss"]
    held = replace(job, count=count, concurrency=AT_ONCE)

    def grown_kib(do: str) -> list[float]:
        return [(process.ask(replace(held, do=do))["rss"] - before) / count / 1024]

    yield "at rest", "KiB (absolute)", grown_kib("hold")
    yield "in IDLE", "KiB (absolute)", grown_kib("idle")
    resting = replace(job, do="rest", count=REST_S)
    rests = [process.ask(resting) for _ in range(RESTS)]
    yield "in IDLE", f"wake-ups in {REST_S} s", [each["wakeups"] for each in rests]
    cpu_ms = [1000 * each["cpu_s"] for each in rests]
    yield "in IDLE, CPU", f"ms in {REST_S} s (absolute)", cpu_ms
    yield "after 300 kB", "KiB (absolute)", grown_kib("burst")


def _available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return int(kib) * 1024
