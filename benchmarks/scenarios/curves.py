"""How what things cost grows with how many there are: sessions, messages, accounts on disk."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.harness import OURS, PEERS, Process, Row, row
from benchmarks.scenarios import reader
from benchmarks.scripted import is_missing, scripted
from benchmarks.world import World

from securemail import Account, AccountStore, Endpoint, TLSMode

NAME = "scale"
SESSIONS = {False: (100, 300, 1000), True: (100, 1000, 3000, 10_000)}
MESSAGES = {False: (100, 1000, 10_000), True: (100, 1000, 10_000, 100_000)}
ACCOUNTS = {False: (10, 100, 1000), True: (10, 100, 1000, 10_000, 100_000)}
ROUNDS = 3
REST_S = 3
AT_ONCE = 50


def run(world: World, *, is_full: bool) -> Iterator[Row]:
    """Measure each at a few sizes; the page says what the slope is."""
    for name in () if is_missing("scale of sessions") else (OURS, f"{OURS}+uvloop"):
        for count in SESSIONS[is_full]:
            yield from _sessions(world, name, count)
    server = reader.Server()
    for count in MESSAGES[is_full]:
        server.answer = reader.flags(count)
        took = [1000 * asyncio.run(reader.with_ours(server)) for _ in range(ROUNDS)]
        yield _row("FETCH FLAGS, messages", count, OURS, "ms (absolute)", took)
    for count in ACCOUNTS[is_full]:
        yield from asyncio.run(_accounts(count))


def _row(series: str, count: int, peer: str, unit: str, values: list[float]) -> Row:
    return row((NAME, f"{series}: {count:,}", peer), unit, values, series=series, at=count)


def _sessions(world: World, name: str, count: int) -> Iterator[Row]:
    with scripted(world, "imap") as job, Process(PEERS[name]) as process:
        hold = replace(job, do="hold")
        before = process.ask(hold)["rss"]
        held = process.ask(replace(hold, count=count, concurrency=AT_ONCE))
        process.ask(replace(job, do="idle"))
        rest = process.ask(replace(job, do="rest", count=REST_S))
        turns = [process.ask(replace(job, do="turns"))["turn_us"] for _ in range(ROUNDS)]
        for series, unit, values in (
            ("connect, sessions", "ms CPU (absolute)", [1000 * held["cpu_s"] / count]),
            ("memory, sessions", "KiB each (absolute)", [(held["rss"] - before) / count / 1024]),
            ("CPU at rest, sessions", "ms each second (absolute)", [1000 * rest["cpu_s"] / REST_S]),
            ("a turn of the loop, sessions", "us (absolute)", turns),
        ):
            yield _row(series, count, name, unit, values)


async def _accounts(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        async with AccountStore(Path(directory) / "accounts.db") as store:
            took = [("put all there, accounts", [await _timed(_add(store, count))])]
            ids = await store.ids()
            one = _account("one.more@example.test")
            for name, use in (
                ("names of all, accounts", store.ids),
                ("list all, accounts", store.list),
                ("read one, accounts", partial(store.get, ids[count // 2])),
                ("add one, accounts", partial(store.add, one)),
            ):
                # The first use after another frees what that one has returned.
                await use()
                took.append((name, [await _timed(use()) for _ in range(ROUNDS)]))
    return [_row(name, count, OURS, "ms (absolute)", values) for name, values in took]


async def _timed(use: Awaitable[object]) -> float:
    """Return the milliseconds that it takes."""
    began_s = time.perf_counter()
    await use
    return 1000 * (time.perf_counter() - began_s)


async def _add(store: AccountStore, count: int) -> None:
    there = {"host": "mail.example.test", "port": 993, "tls": "implicit"}
    accounts = [{"address": f"user{number}@example.test", "imap": there} for number in range(count)]
    await store.import_accounts(json.dumps({"securemail": 1, "accounts": accounts}))


def _account(address: str) -> Account:
    return Account(address, imap=Endpoint("mail.example.test", 993, TLSMode.IMPLICIT))
