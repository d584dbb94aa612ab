"""The library itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from benchmarks.peer import Job, serve

from securemail import (
    Account,
    Endpoint,
    Password,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
)


@cache
def _trust(path: str) -> TrustStore:
    return TrustStore.from_file(path)


async def connect(job: Job) -> SecureSession[Any]:
    service, tls = Service[job.service.upper()], TLSMode[job.tls.upper()]
    # What is remembered is remembered for an account: another one begins from nothing.
    name = f"{job.user}{job.number}" if job.is_first else job.user
    fields: dict[str, Any] = {
        job.service: Endpoint(job.host, job.port, tls, addresses=[job.address])
    }
    account = Account(
        f"{name}@example.test",
        credentials=Password(job.user, job.password, mechanisms=["PLAIN"]),
        trust=_trust(job.ca),
        **fields,
    )
    return await SecureSession[Any].connect(account, service)


async def leave(session: SecureSession[Any]) -> None:
    await session.aclose()


async def burst(_: Job, sessions: list[SecureSession[Any]]) -> None:
    for session in sessions:
        await session.client.select("INBOX")
        await session.client.fetch("1", "(BODY[])")


if __name__ == "__main__":
    serve(connect, leave, burst=burst)
