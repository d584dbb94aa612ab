"""On the wire: an IMAP server with TLS 1.2 that renegotiates while a command waits."""

from __future__ import annotations

import asyncio
import re

from OpenSSL import SSL

from securemail import (
    Account,
    ClientCertificate,
    Endpoint,
    Password,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
)
from securemail.testing import CertificateAuthority
from tests.tls.memory import HOST
from tests.tls.test_late_requests import ALERT, APPLICATION_DATA, OldServer, types

GREETING = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n"
COMMAND = re.compile(rb"(\S+) (\w+).*\r\n")
_SIZE = 2**16


class Renegotiating(OldServer):
    """Serves one client; NOOP is answered behind a HelloRequest. `behind` is what followed it."""

    def __init__(self, ca: CertificateAuthority) -> None:
        super().__init__(ca)
        self.behind = b""
        self.has_ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_greeted = has_asked = False
        while records := await reader.read(_SIZE):
            if has_asked:
                self.behind += records
            self.hear(records)
            if not has_asked:
                self.advance()
            if not is_greeted and self.tls.get_finished():
                is_greeted = bool(self.tls.send(GREETING))
            for tag, name in COMMAND.findall(self._heard()):
                if name == b"NOOP":
                    has_asked = True
                    writer.write(self.renegotiate())
                self.tls.send(tag + b" OK [CAPABILITY IMAP4rev1] done\r\n")
            writer.write(self.said())
        writer.close()
        await writer.wait_closed()
        self.has_ended.set()

    def _heard(self) -> bytes:
        try:
            return self.tls.recv(_SIZE)
        except (SSL.WantReadError, SSL.ZeroReturnError):
            return b""
        except SSL.Error as exc:
            # OpenSSL, as a server, gives up when its wish is refused: what comes is still read.
            assert "no renegotiation" in str(exc)  # noqa: PT017 - nobody waits for it here
            return b""


async def test_a_server_that_renegotiates_in_use_learns_nothing_and_the_command_goes_on() -> None:
    ca = CertificateAuthority()
    server = Renegotiating(ca)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        account = Account(
            "alice@example.org",
            imap=Endpoint(HOST, port, TLSMode.IMPLICIT, addresses=["127.0.0.1"]),
            credentials=Password("alice", "secret"),
            client_certificate=ClientCertificate.from_pem(ca.client_pem("alice")),
            trust=TrustStore.from_pem(ca.pem),
        )
        async with await SecureSession.connect(account, Service.IMAP) as session:
            proved = session.confidentiality
            assert (await session.client.noop()).result == "OK"
            assert session.confidentiality == proved
            assert not proved.client_certificate_sent
        await server.has_ended.wait()
    # The warning alert, and what the client said in the connection as it was; no ClientHello.
    assert set(types(server.behind)) == {ALERT, APPLICATION_DATA}
    assert server.certificates == []
