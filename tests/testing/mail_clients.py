"""imaplib as an independent client of the MailServer."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
from collections.abc import Callable
from typing import Final, TypeVar

from securemail.testing.server import MailServer

T = TypeVar("T")

MAIL: Final = (
    b"From: Bob <bob@example.org>\r\nSubject: Hello\r\nTo: alice\r\n\r\nDear Alice,\r\nbye\r\n"
)


class Client(imaplib.IMAP4):
    """imaplib inside TLS; the name is checked against the server's, the address is loopback."""

    def __init__(self, server: MailServer, trusting: ssl.SSLContext) -> None:
        self._trusting = trusting
        self._name = server.host_name
        super().__init__(server.address, server.port())

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        sock = super()._create_socket(timeout)  # type: ignore[misc]  # missing in typeshed
        return self._trusting.wrap_socket(sock, server_hostname=self._name)


async def as_alice(server: MailServer, trusting: ssl.SSLContext, work: Callable[[Client], T]) -> T:
    """Log in, select the INBOX and do the work, all in a thread."""

    def run() -> T:
        with Client(server, trusting) as client:
            client.login("alice", "secret")
            client.select()
            return work(client)

    return await asyncio.to_thread(run)
