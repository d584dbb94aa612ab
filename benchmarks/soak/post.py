"""The server's process in the hands of whoever runs the soak: killed, and back with its mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak.child import Child, Gone
from benchmarks.soak.server import HOST

from securemail.testing import CertificateAuthority


@dataclass(slots=True)
class Post:
    """The server, the relay in front of it, and the journal that outlives the server."""

    directory: Path
    count: int
    relay: Child
    ca: CertificateAuthority = field(default_factory=CertificateAuthority)
    happened: Counter[str] = field(default_factory=Counter)
    _door: asyncio.Lock = field(default_factory=asyncio.Lock)
    _server: Child | None = None
    _restart: asyncio.Task[None] | None = None

    @property
    def journal(self) -> Path:
        """Where what happens is written down."""
        return self.directory / "journal"

    async def start(self) -> None:
        """Start the server, with a certificate that was renewed, and lead the relay to it."""
        # What is written into the journal now might come after it was read.
        async with self._door:
            await self._started()

    async def _started(self) -> None:
        self.journal.touch()
        certificate = self.directory / "certificate.pem"
        certificate.write_bytes(self.ca.issue(HOST).pem)
        server = await Child.started(
            "benchmarks.soak.server", str(self.journal), str(certificate), str(self.count)
        )
        await self.relay.tell("to " + " ".join(map(str, server.hello)))
        self._server = server

    async def kill(self, down_s: float) -> None:
        """Kill the server, and start it again after some seconds."""
        if (server := self._server) is None:
            return
        self._server = None
        # Whoever is cancelled here must not leave a process behind that nobody knows.
        self._restart = asyncio.create_task(self._killed(server, down_s))
        await asyncio.shield(self._restart)

    async def _killed(self, server: Child, down_s: float) -> None:
        await server.kill()
        await asyncio.sleep(down_s)
        await self.start()

    async def wait_up(self) -> None:
        """Wait until there is a server."""
        if self._restart is not None:
            await self._restart

    async def tell(self, line: str) -> Any:
        """Tell the server, if there is one; it may be killed while it does it."""
        if self._server is None:
            return None
        with contextlib.suppress(Gone):
            return await self._server.tell(line)
        return None

    async def deliver(self, user: str) -> None:
        """Deliver a message; where there is no server it is there when the server is back."""
        if self._server is None:
            async with self._door:
                if self._server is None:
                    with self.journal.open("a") as journal:
                        journal.write(f"d {user}\n")
                    return
        await self.tell(f"d {user}")

    async def end(self) -> None:
        """End both processes."""
        with contextlib.suppress(Exception):
            await self.wait_up()
        if self._server is not None:
            await self._server.kill()
        await self.relay.kill()
