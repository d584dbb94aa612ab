"""aioimaplib, with a context that all connections share; it has no STARTTLS."""

from __future__ import annotations

import asyncio
from typing import Any

import aioimaplib  # type: ignore[import-untyped]  # has no py.typed
from benchmarks.bulk import FETCHES, check
from benchmarks.peer import Job, context, serve


async def connect(job: Job) -> Any:
    tls = context(job.ca, job.host)
    client = aioimaplib.IMAP4_SSL(job.address, job.port, ssl_context=tls)
    await client.wait_hello_from_server()
    answer = await client.login(job.user, job.password)
    if answer.result != "OK":
        raise ConnectionError(answer.lines)
    return client


async def leave(client: Any) -> None:
    await client.logout()


async def burst(_: Job, clients: list[Any]) -> None:
    for client in clients:
        if client.has_pending_idle():
            client.idle_done()
        await client.select("INBOX")
        await client.fetch("1", "(BODY[])")


async def fetch(job: Job, client: Any) -> None:
    wanted = FETCHES[job.do]
    await client.select(wanted.mailbox)
    check(wanted, len((await client.fetch(wanted.messages, wanted.items)).lines))


async def idle(_: Job, clients: list[Any]) -> None:
    for client in clients:
        await client.select("INBOX")
        await client.idle_start()


async def rest(job: Job, _: list[Any]) -> None:
    await asyncio.sleep(job.count)


if __name__ == "__main__":
    serve(connect, leave, burst=burst, idle=idle, rest=rest, **dict.fromkeys(FETCHES, fetch))
