"""aiosmtplib that is left to upgrade by itself."""

from __future__ import annotations

import aiosmtplib
from benchmarks.peer import Job, context, serve
from benchmarks.peers.aiosmtplib import leave


async def connect(job: Job) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(
        hostname=job.address,
        port=job.port,
        use_tls=job.tls == "implicit",
        tls_context=context(job.ca, job.host),
    )
    await client.connect()
    await client.login(job.user, job.password)
    return client


if __name__ == "__main__":
    serve(connect, leave)
