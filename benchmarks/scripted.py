"""The server in C, `benchmarks/server.c`, where Dovecot or Postfix would be most of a figure."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from benchmarks.harness import HERE
from benchmarks.peer import Job
from benchmarks.world import World

BURST_BYTES: Final = 300_000
_PROGRAM: Final = HERE / "bin" / "server"


def is_missing(what: str) -> bool:
    """Return whether the server is not there, and say then that `what` is left out."""
    if _PROGRAM.exists():
        return False
    print(f"{what} is left out: benchmarks/server.c is not built")
    return True


@contextmanager
def scripted(world: World, service: str) -> Iterator[Job]:
    """Run the server for IMAP or submission, and yield a job that is done there."""
    pem = world.dovecot.directory / "pki" / f"{world.dovecot.host}.pem"
    more = (str(BURST_BYTES),) if service == "imap" else ()
    command = [str(_PROGRAM), str(pem), service, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            job = world.job("", "imap", "implicit")
            yield replace(job, service=service, address="127.0.0.1", port=port)
        finally:
            server.kill()
