"""The library itself."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import Any

from benchmarks.bulk import FETCHES, MESSAGE, RECIPIENT, SENDER, check
from benchmarks.peer import Job, serve

from securemail import (
    Account,
    Endpoint,
    Password,
    PoolLimits,
    SecureSession,
    Service,
    SessionPool,
    TLSMode,
    TrustStore,
)

TURNS = 1000


@cache
def _trust(path: str) -> TrustStore:
    return TrustStore.from_file(path)


def _account(job: Job) -> Account:
    tls = TLSMode[job.tls.upper()]
    # What is remembered is remembered for an account: another one begins from nothing.
    name = f"{job.user}{job.number}" if job.is_first else job.user
    fields: dict[str, Any] = {
        job.service: Endpoint(job.host, job.port, tls, addresses=[job.address])
    }
    return Account(
        f"{name}@example.test",
        credentials=Password(job.user, job.password, mechanisms=["PLAIN"]),
        trust=_trust(job.ca),
        **fields,
    )


async def connect(job: Job) -> SecureSession[Any]:
    return await SecureSession[Any].connect(_account(job), Service[job.service.upper()])


async def leave(session: SecureSession[Any]) -> None:
    await session.aclose()


async def noop(job: Job, session: SecureSession[Any]) -> None:
    for _ in range(job.count):
        await session.client.noop()


async def turns(_job: Job, _held: list[SecureSession[Any]]) -> dict[str, float]:
    """Return the microseconds of a turn of the event loop."""
    began_s = time.perf_counter()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    return {"turn_us": 1e6 * (time.perf_counter() - began_s) / TURNS}


async def burst(_: Job, sessions: list[SecureSession[Any]]) -> None:
    for session in sessions:
        if session.client.has_pending_idle():
            session.client.idle_done()
        await session.client.select("INBOX")
        await session.client.fetch("1", "(BODY[])")


async def fetch(job: Job, session: SecureSession[Any]) -> None:
    wanted = FETCHES[job.do]
    await session.client.select(wanted.mailbox)
    check(wanted, len((await session.client.fetch(wanted.messages, wanted.items)).lines))


async def retr(job: Job, session: SecureSession[Any]) -> None:
    for number in range(1, job.count + 1):
        await session.client.retr(number)


async def retr_many(job: Job, session: SecureSession[Any]) -> None:
    async for _ in session.client.retr_many(range(1, job.count + 1)):
        pass


async def _submit(session: SecureSession[Any]) -> None:
    await session.client.submit(MESSAGE, sender=SENDER, recipients=RECIPIENT)


async def submit(job: Job, session: SecureSession[Any]) -> None:
    for _ in range(job.count):
        await _submit(session)


async def submit_pool(job: Job, _held: SecureSession[Any]) -> None:
    account, numbers = _account(job), iter(range(job.count))

    async def worker(pool: SessionPool) -> None:
        for _ in numbers:
            async with pool.session(account, Service.SUBMISSION) as session:
                await _submit(session)

    async with SessionPool(PoolLimits(maximum=job.concurrency)) as pool:
        await asyncio.gather(*(worker(pool) for _ in range(job.concurrency)))


async def submit_each(job: Job, _held: SecureSession[Any]) -> None:
    for _ in range(job.count):
        async with await connect(job) as session:
            await _submit(session)


async def idle(_: Job, sessions: list[SecureSession[Any]]) -> None:
    for session in sessions:
        await session.client.select("INBOX")
        await session.client.idle_start()


async def rest(job: Job, _: list[SecureSession[Any]]) -> None:
    await asyncio.sleep(job.count)


OPERATIONS = (retr, retr_many, submit, submit_pool, submit_each, burst, idle, rest, noop, turns)

if __name__ == "__main__":
    named = {operation.__name__: operation for operation in OPERATIONS}
    serve(connect, leave, **named, **dict.fromkeys(FETCHES, fetch))
