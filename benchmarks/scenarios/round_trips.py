"""Round trips to a session that is ready, and how long they take on a line with a delay."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import product

from benchmarks.bulk import MESSAGE, RECIPIENT, SENDER
from benchmarks.harness import OURS, PeerError, Process, Row, present, row
from benchmarks.link import Link, LinkThread
from benchmarks.peer import Job
from benchmarks.peers.curl import TRAILING
from benchmarks.world import World

NAME = "round trips"
ROUNDS = {False: 3, True: 10}
# Each way. Far more than a client needs between two commands, so that the count is exact.
DELAY_S = 0.02
LET_GO_S = 5.0

PEERS = (
    *(OURS, "imaplib", "poplib", "smtplib", "aioimaplib", "aiosmtplib"),
    *("curl", "imapflow", "nodemailer", "go-imap", "go-smtp"),
)

# The least that the protocols allow (docs/benchmarks.md), TLS 1.3: a first connection, another one.
MINIMUM = {
    ("imap", "implicit"): (4, 4),
    ("imap", "starttls"): (6, 5),
    ("pop3", "implicit"): (5, 4),
    ("pop3", "starttls"): (6, 5),
    ("submission", "implicit"): (5, 5),
    ("submission", "starttls"): (7, 7),
}
# With PIPELINING: envelope and DATA in one flight, then the message.
SUBMITTERS = (OURS, "smtplib", "aiosmtplib", "nodemailer", "go-smtp")
MESSAGE_MINIMUM = 2


def run(world: World, *, is_full: bool) -> Iterator[Row]:
    """Count, for each peer and way of connecting, the first time and again."""
    counts: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    times: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(peer)) for peer in present(PEERS)]
        links = {way: stack.enter_context(_link(world, way)) for way in world.ways}
        for number in range(ROUNDS[is_full]):
            for (way, link), process in product(links.items(), processes):
                if not process.peer.takes(*way):
                    continue
                again = world.job("ready", *way)
                if number == 0:
                    _tried(process, link, again)  # so that the next one is not the first
                for which in ("first", "again"):
                    job = replace(again, is_first=which == "first", number=number)
                    key = process.peer.name, ", ".join(way), which
                    for count, took in _tried(process, link, job):
                        counts[key].append(count)
                        times[key].append(took)
        messages = list(_messages(world, processes, links, ROUNDS[is_full]))
        direct = list(_directly(world, processes, 3 * ROUNDS[is_full]))
        direct += _far_away(world, processes, ROUNDS[is_full])
    for (peer, case, which), values in counts.items():
        service, tls = case.split(", ")
        least = dict(zip(("first", "again"), MINIMUM[service, tls], strict=True))
        target = least[which] if peer == OURS else None
        yield row((NAME, f"{case}, {which}", peer), "round trips", values, target=target)
    yield from messages
    for (peer, case, which), values in times.items():
        yield row(("time to ready", f"{case}, {which}", peer), "round-trip times", values)
    yield from direct


def _messages(
    world: World, processes: list[Process], links: Mapping[tuple[str, str], Link], rounds: int
) -> Iterator[Row]:
    """Count what a message takes on a session that is ready."""
    way = "submission", "implicit"
    if way not in links:
        return
    link = links[way]
    job = replace(world.job("submit", *way), sender=SENDER, recipient=RECIPIENT)
    job = replace(job, message=MESSAGE.decode(), address=link.address, port=link.port)
    for process in (each for each in processes if each.peer.name in SUBMITTERS):
        target = MESSAGE_MINIMUM if process.peer.name == OURS else None
        try:
            values = [_per_message(process, link, job) for _ in range(rounds)]
        except PeerError as exc:
            print(f"left out of {NAME!r}: {exc}")
            continue
        place = NAME, "a message of 10 KiB", process.peer.name
        yield row(place, "round trips", values, target=target)


def _per_message(process: Process, link: Link, job: Job) -> float:
    """Return what three messages take more than one, for each that is more."""
    taken = []
    for count in (1, 3):
        process.ask(replace(job, count=count))
        taken.append(link.logs[-1].round_trips)
    return (taken[1] - taken[0]) / 2


def _directly(world: World, processes: list[Process], rounds: int) -> Iterator[Row]:
    """Time connections to the server itself: here Nagle's algorithm and delayed ACKs show."""
    for way, process in product(world.ways, processes):
        if times := _ready_ms(process, [world.job("ready", *way)] * rounds):
            place = "ready on loopback", ", ".join(way), process.peer.name
            yield row(place, "ms (absolute)", times)


def _far_away(world: World, processes: list[Process], rounds: int) -> Iterator[Row]:
    """Time them at the end of a line of packets, where there is one."""
    ways = world.ways if world.far else []
    for way, process, which in product(ways, processes, ("first", "again")):
        there = replace(world.job("ready", *way), address=world.far)
        is_first = which == "first"
        jobs = [replace(there, is_first=is_first, number=1000 + n) for n in range(rounds)]
        if times := _ready_ms(process, jobs):
            place = "time to ready on a line of packets", f"{', '.join(way)}, {which}"
            values = [took / 1000 / (2 * DELAY_S) for took in times]
            yield row((*place, process.peer.name), "round-trip times", values)


def _ready_ms(process: Process, jobs: list[Job]) -> list[float]:
    """Connect by each job, and return how long it took; one more before them loads all code."""
    way = jobs[0].service, jobs[0].tls
    warm_up = replace(jobs[0], number=jobs[0].number - 1)
    # curl is a process for each connection: its start is many times the rest.
    if not process.peer.takes(*way) or process.peer.name == "curl":
        return []
    return [took for job in [warm_up, *jobs] for took in _direct(process, job)][1:]


def _direct(process: Process, job: Job) -> list[float]:
    try:
        took_s = _when_free(process, job)["wall_s"]
        process.ask(replace(job, do="leave"))
    except PeerError as exc:
        print(f"left out of {NAME!r}: {exc}")
        return []
    return [1000 * took_s]


def _link(world: World, way: tuple[str, str]) -> LinkThread:
    job = world.job("ready", *way)
    return LinkThread((job.address, job.port), DELAY_S)


def _tried(process: Process, link: Link, job: Job) -> list[tuple[float, float]]:
    try:
        return [_connect(process, link, job)]
    except PeerError as exc:
        print(f"left out of {NAME!r}: {exc}")
        return []


def _connect(process: Process, link: Link, job: Job) -> tuple[float, float]:
    """Return how many round trips it took, and their time in round-trip times."""
    here = replace(job, address=link.address, port=link.port)
    _when_free(process, here)
    log, trailing = link.logs[-1], 0
    if process.peer.name == "curl":
        log, trailing = log.without_farewell(), TRAILING
    count = log.round_trips - trailing
    took = 1 + (log.delivered_s - log.began_s) / (2 * DELAY_S) - trailing
    process.ask(replace(job, do="leave"))
    return count, took


def _when_free(process: Process, job: Job) -> dict[str, float]:
    """Connect as soon as the session before has let go of the maildrop (RFC 1939 section 4)."""
    deadline_s = time.monotonic() + LET_GO_S
    while True:
        try:
            return process.ask(job)
        except PeerError as exc:
            if "[IN-USE]" not in str(exc) or time.monotonic() > deadline_s:
                raise
            time.sleep(DELAY_S)
