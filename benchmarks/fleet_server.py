"""The server of `fleet.py`, in a process of its own that can be killed and started again.

    python -m benchmarks.fleet_server    (what it serves comes on stdin, as one line of JSON)

It is the embedded server without QRESYNC, so that each watch keeps the UIDs of its mailbox. What
it has been given counts as on disk: started again it has the same mailboxes and the same port.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.files import raise_file_limit

from securemail.testing import CertificateAuthority, MailServer, Offer, ServerCertificate

HOST = "mail.example.org"
_MESSAGE = b"Subject: news\r\n\r\nNews.\r\n"
_FIRST_PORT = 20_000


def free_port() -> int:
    """Return a port that stays free while the server is down: the system gives it to no dialler."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in range(_FIRST_PORT, lowest):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port below those that the system gives away")


@dataclass(slots=True)
class Server:
    """The other process, and what is on its disk."""

    count: int
    port: int = field(default_factory=free_port)
    ca: CertificateAuthority = field(default_factory=CertificateAuthority)
    certificate: ServerCertificate = field(init=False)
    messages: int = 0
    _process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        self.certificate = self.ca.issue(HOST)

    async def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.fleet_server",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        disk = {
            "count": self.count,
            "port": self.port,
            "messages": self.messages,
            "pem": self.certificate.pem.decode(),
        }
        await self._tell(json.dumps(disk))

    async def deliver(self) -> None:
        """Put one more message into each mailbox, also while nobody serves them."""
        self.messages += 1
        if self._process is not None:
            await self._tell("deliver")

    async def _tell(self, line: str) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the server does not run")
        process.stdin.write(f"{line}\n".encode())
        if await process.stdout.readline() != b"done\n":
            raise RuntimeError("the server's process has ended by itself")

    async def kill(self) -> None:
        """SIGKILL: the system closes its sockets, and nobody says goodbye."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()


async def serve() -> None:
    """Serve; each further line on stdin is a message to everybody."""
    disk = json.loads(sys.stdin.readline())
    users = {f"user{n}": "secret" for n in range(disk["count"])}
    offer = Offer(certificate=ServerCertificate(disk["pem"].encode()))
    server = MailServer(users, offer=offer, client_certificates=False)
    for _ in range(disk["messages"]):
        deliver(server)
    server._listeners["imap", "implicit"]._last_port = disk["port"]  # noqa: SLF001 - no public way
    async with server:
        print("done", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            deliver(server)
            print("done", flush=True)


def deliver(server: MailServer) -> None:
    """Put one message into each mailbox."""
    for user in server.users:
        server.store.deliver(user, _MESSAGE)


if __name__ == "__main__":
    raise_file_limit()
    asyncio.run(serve())
