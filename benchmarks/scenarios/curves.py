"""How what things cost grows with how many there are: sessions, messages, accounts on disk."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
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
        values = [
            ("connect, sessions", "ms CPU (absolute)", 1000 * held["cpu_s"] / count),
            ("memory, sessions", "KiB each (absolute)", (held["rss"] - before) / count / 1024),
        ]
        process.ask(replace(job, do="idle"))
        rest = process.ask(replace(job, do="rest", count=REST_S))
        turn = process.ask(replace(job, do="turns"))
        values += [
            ("CPU at rest, sessions", "ms each second (absolute)", 1000 * rest["cpu_s"] / REST_S),
            ("a turn of the loop, sessions", "us (absolute)", turn["turn_us"]),
        ]
        for series, unit, value in values:
            yield _row(series, count, name, unit, [value])


async def _accounts(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        async with AccountStore(Path(directory) / "accounts.db") as store:
            began_s = time.perf_counter()
            await _add(store, count)
            filled_s = time.perf_counter() - began_s
            took = {name: 1000 * took_s async for name, took_s in _uses(store)}
    took["put all there, accounts"] = 1000 * filled_s
    return [_row(name, count, OURS, "ms (absolute)", [value]) for name, value in took.items()]


async def _add(store: AccountStore, count: int) -> None:
    there = {"host": "mail.example.test", "port": 993, "tls": "implicit"}
    accounts = [{"address": f"user{number}@example.test", "imap": there} for number in range(count)]
    await store.import_accounts(json.dumps({"securemail": 1, "accounts": accounts}))


async def _uses(store: AccountStore) -> AsyncIterator[tuple[str, float]]:
    began_s = time.perf_counter()
    ids = await store.ids()
    yield "names of all, accounts", time.perf_counter() - began_s
    began_s = time.perf_counter()
    await store.list()
    yield "list all, accounts", time.perf_counter() - began_s
    began_s = time.perf_counter()
    await store.get(ids[len(ids) // 2])
    yield "read one, accounts", time.perf_counter() - began_s
    began_s = time.perf_counter()
    await store.add(_account("one.more@example.test"))
    yield "add one, accounts", time.perf_counter() - began_s


def _account(address: str) -> Account:
    return Account(address, imap=Endpoint("mail.example.test", 993, TLSMode.IMPLICIT))
