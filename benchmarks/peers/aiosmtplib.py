"""aiosmtplib, with a context that all connections share."""

from __future__ import annotations

import asyncio

import aiosmtplib
from benchmarks.bulk import MESSAGE, RECIPIENT, SENDER
from benchmarks.peer import Job, context, serve


async def connect(job: Job) -> aiosmtplib.SMTP:
    is_implicit = job.tls == "implicit"
    client = aiosmtplib.SMTP(
        hostname=job.address,
        port=job.port,
        use_tls=is_implicit,
        start_tls=not is_implicit,
        tls_context=context(job.ca, job.host),
        local_hostname="localhost",
    )
    await client.connect()
    await client.ehlo()  # as `login` does
    await client.auth_plain(job.user, job.password)
    return client


async def leave(client: aiosmtplib.SMTP) -> None:
    await client.quit()


async def submit(job: Job, client: aiosmtplib.SMTP) -> None:
    for _ in range(job.count):
        await client.sendmail(SENDER, RECIPIENT, MESSAGE)


async def submit_pool(job: Job, _held: aiosmtplib.SMTP) -> None:
    """Share the work among sessions that each worker has: aiosmtplib has no pool."""
    numbers = iter(range(job.count))

    async def worker() -> None:
        client = await connect(job)
        for _ in numbers:
            await client.sendmail(SENDER, RECIPIENT, MESSAGE)
        await client.quit()

    await asyncio.gather(*(worker() for _ in range(job.concurrency)))


async def submit_each(job: Job, _held: aiosmtplib.SMTP) -> None:
    for _ in range(job.count):
        client = await connect(job)
        await client.sendmail(SENDER, RECIPIENT, MESSAGE)
        await client.quit()


if __name__ == "__main__":
    serve(connect, leave, submit=submit, submit_pool=submit_pool, submit_each=submit_each)
