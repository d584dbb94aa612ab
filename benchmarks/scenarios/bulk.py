"""Much mail at once: fetched from Dovecot, and submitted to a server that keeps none of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from benchmarks.bulk import FETCHES, MESSAGE, MESSAGES, POP3_USER, RECIPIENT, SENDER, fill
from benchmarks.harness import OURS, PeerError, Process, Row, present, ratios, row
from benchmarks.peer import Job
from benchmarks.scripted import is_missing, scripted
from benchmarks.world import World

NAME = "bulk"
ROUNDS = {False: 5, True: 7}
UVLOOP = f"{OURS}+uvloop"
# aioimaplib recurses over the answer: it needs minutes for the long listings, or fails.
NOT_UPSTREAM = ("flags", "envelopes")
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Case:
    """What is done by whom: `does` is the operation of each peer, `base` whom it is compared to."""

    name: str
    job: Job
    does: dict[str, str]
    base: str


def run(world: World, *, is_full: bool) -> Iterator[Row]:
    """Measure each case, its peers in turn."""
    fill(world.dovecot)
    rounds = ROUNDS[is_full]
    for case in (*_fetches(world), *_maildrop(world)):
        yield from _measured(case, rounds)
    if is_missing("submission in bulk"):
        return
    with scripted(world, "submission") as sink:
        for case in _submissions(sink, is_full=is_full):
            yield from _measured(case, rounds)


def _fetches(world: World) -> Iterator[Case]:
    for name, fetch in FETCHES.items():
        does = dict.fromkeys([OURS, UVLOOP, "imaplib"], name)
        if name not in NOT_UPSTREAM:
            does |= dict.fromkeys(["aioimaplib", "aioimaplib+uvloop"], name)
        does |= dict.fromkeys(["imapflow", "go-imap"], "fetch")
        job = replace(
            world.job("", "imap", "implicit", count=fetch.least),
            mailbox=fetch.mailbox,
            messages=fetch.messages,
            items=fetch.items,
        )
        yield Case(fetch.name, job, does, "imaplib")


def _maildrop(world: World) -> Iterator[Case]:
    password = world.dovecot.passwords[POP3_USER]
    job = world.job("", "pop3", "implicit", count=MESSAGES)
    job = replace(job, user=POP3_USER, password=password)
    name = f"POP3, {MESSAGES:,} x 20 KiB"
    for how, does in (("one by one", "retr"), ("pipelined", "retr_many")):
        yield Case(f"{name}, {how}", job, {OURS: does, UVLOOP: does, "poplib": "retr"}, "poplib")


def _submissions(job: Job, *, is_full: bool) -> Iterator[Case]:
    ours = (OURS, UVLOOP)
    others = ("aiosmtplib", "aiosmtplib+uvloop", "nodemailer", "go-smtp")
    count = MESSAGES
    message = MESSAGE.decode()
    job = replace(job, count=count, sender=SENDER, recipient=RECIPIENT, message=message)
    everybody = (*ours, "smtplib", *others)
    name = f"{count:,} submissions of 10 KiB"
    yield Case(f"{name}, one session", job, dict.fromkeys(everybody, "submit"), "smtplib")
    pooled = replace(job, concurrency=CONNECTIONS)
    does = dict.fromkeys((*ours, *others), "submit_pool")
    yield Case(f"{name}, {CONNECTIONS} sessions", pooled, does, "aiosmtplib")
    each = replace(job, count=count if is_full else count // 10)
    name = f"{each.count:,} submissions, a connection each"
    yield Case(name, each, dict.fromkeys(everybody, "submit_each"), "smtplib")


def _measured(case: Case, count: int) -> Iterator[Row]:
    walls: list[dict[str, float]] = []
    cpus: list[dict[str, float]] = []
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(peer)) for peer in present(case.does)]
        # The first round is for the servers' caches, and what each loads when it begins.
        for number in range(count + 1):
            took = dict(_round(case, processes))
            if number > 0 and took:
                walls.append({name: each["wall_s"] for name, each in took.items()})
                cpus.append({name: each["cpu_s"] for name, each in took.items()})
    yield from _rows(case, walls, cpus)


def _round(case: Case, processes: Iterable[Process]) -> Iterator[tuple[str, dict[str, float]]]:
    for process in processes:
        name = process.peer.name
        try:
            yield name, process.ask(replace(case.job, do=case.does[name]))
        except PeerError as exc:
            print(f"left out of {case.name!r}: {exc}")


def _rows(case: Case, walls: list[dict[str, float]], cpus: list[dict[str, float]]) -> Iterator[Row]:
    base = case.base
    base_ms = [1000 * each[base] for each in walls if base in each]
    if not base_ms:
        print(f"left out: {case.name!r}, without {base}")
        return
    yield row((NAME, case.name, base), "ms (absolute)", base_ms)
    yield from ratios((NAME, case.name), walls, base, {OURS: 1.0})
    yield from ratios((f"{NAME}, CPU of the client", case.name), cpus, base)
