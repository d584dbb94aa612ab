"""aiosmtplib, with a context that all connections share."""

from __future__ import annotations

import aiosmtplib
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


if __name__ == "__main__":
    serve(connect, leave)
