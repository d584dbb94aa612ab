"""The memory that a server which does not stop makes a client hold: `benchmarks/floods.py`.

Each flood of `securemail.testing.attacks` is played once. The peak is that of tracemalloc: all that
Python allocates, the server's own 64 KiB pieces included, OpenSSL's few KiB of a connection not.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Final

from securemail import (
    Account,
    Endpoint,
    Password,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TrustStore,
)
from securemail.testing import CertificateAuthority, Repeat, ScriptedServer
from securemail.testing.attacks import ATTACKS, HOST, Attack, Use

KIB: Final = 1024
MESSAGE: Final = b"From: alice@example.org\r\nTo: bob@example.org\r\n\r\ntext\r\n"
PATIENT: Final = Timeouts(connect=60, tls=60, greeting=60, command=120, total=300)


def is_flood(attack: Attack) -> bool:
    """Return whether a script sends more than a client can be expected to keep."""
    return any(isinstance(step, Repeat) for step in attack.script)


async def live_through(attack: Attack, server: ScriptedServer, ca: CertificateAuthority) -> str:
    """Return the error that ends the attack, as a word."""
    endpoint = Endpoint(HOST, server.port, attack.mode, addresses=[server.address])
    account = Account(
        "alice@example.org",
        **{attack.service.name.lower(): endpoint},  # type: ignore[arg-type]  # an Endpoint, as it says
        credentials=Password("alice", "secret"),
        trust=TrustStore.from_pem(ca.pem),
    )
    try:
        session = await SecureSession.connect(account, attack.service, timeouts=PATIENT)
    except SecureMailError as exc:
        return type(exc).__name__
    try:
        match attack.use, attack.service:
            case Use.SELECT, Service.IMAP:
                await session.client.select("INBOX")
            case Use.STAT, Service.POP3:
                await session.client.stat()
            case Use.SUBMIT, Service.SUBMISSION:
                await session.client.submit(MESSAGE)
    except SecureMailError as exc:
        return type(exc).__name__
    finally:
        await session.aclose()
    return "nothing"


async def peak_of(attack: Attack, ca: CertificateAuthority) -> tuple[int, str]:
    """Return the peak in bytes, and how it ended."""
    async with ScriptedServer(attack.script, context=attack.server(ca)) as server:
        tracemalloc.start()
        error = await live_through(attack, server, ca)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await server.finished.wait()
    return peak, error


def sent_by(attack: Attack) -> int:
    """Return how many bytes the server is ready to send."""
    return sum(len(step.data) * step.times for step in attack.script if isinstance(step, Repeat))


async def main() -> None:
    """Print a row of a table for each flood."""
    ca = CertificateAuthority()
    floods = [attack for attack in ATTACKS.values() if is_flood(attack)]
    await peak_of(floods[0], ca)  # what is loaded once is nobody's flood
    print("| flood | ready to send | ends as | peak |\n|---|---|---|---|")
    for attack in floods:
        peak, error = await peak_of(attack, ca)
        ready = f"{sent_by(attack) / KIB:,.0f} KiB"
        print(f"| {attack.id} | {ready} | `{error}` | {peak / KIB:,.0f} KiB |")


if __name__ == "__main__":
    asyncio.run(main())
