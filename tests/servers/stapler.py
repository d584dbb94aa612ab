"""OpenSSL's own `s_server` as an IMAP server that staples; in front of it, STARTTLS.

Debian's OpenSSL is another one than the library's, staples what it is given, and prints all that
it is told: the client's certificate and every line inside TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from securemail import TLSMode, TLSVersion
from tests.tls.chains import Chain

LOCALHOST: Final = "127.0.0.1"
OFFERS: Final = b"[CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN]"
# What to say to the lines of a client that logs in and leaves.
REPLIES: Final = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\n%s OK listed\n",
    b"AUTHENTICATE": b"%s OK [CAPABILITY IMAP4rev1] in\n",
    b"LOGOUT": b"* BYE bye\n%s OK bye\n",
}
COMMAND: Final = re.compile(rb"(\w+) (CAPABILITY|AUTHENTICATE|LOGOUT)\b")
_OPTION: Final = {TLSVersion.TLS_1_2: "-tls1_2", TLSVersion.TLS_1_3: "-tls1_3"}
_SIZE: Final = 65536


def openssl() -> str | None:
    """Return the command, or None where it is not installed."""
    return shutil.which("openssl")


class Stapler:
    """One server for one client; `port` is where to connect.

    In the end `received` are the TLS records that the client has sent, `commands` what it said
    inside TLS, `has_client_certificate` whether it has shown one, and `output` all that the server
    has printed.
    """

    def __init__(
        self, chain: Chain, staple: bytes, version: TLSVersion, tls: TLSMode, folder: Path
    ) -> None:
        self.port = 0
        self.received = b""
        self.commands: list[bytes] = []
        self._tls = tls
        self.output = b""
        pem, der = folder / "server.pem", folder / "staple.der"
        key = chain.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(key + chain.certificates[0].public_bytes(Encoding.PEM))
        der.write_bytes(staple)
        self._options = ["-cert", str(pem), "-key", str(pem), _OPTION[version]]
        self._options += ["-status_file", str(der)] if staple else []

    async def __aenter__(self) -> Self:
        self._process: Process = await asyncio.create_subprocess_exec(
            *(openssl() or "openssl", "s_server", "-accept", f"{LOCALHOST}:0", "-naccept", "1"),
            *("-verify", "1", "-crlf", *self._options),
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
        )
        while not (accepting := re.search(rb"ACCEPT .*:(\d+)\n", self.output)):
            assert await self._next_line(), self.output
        self._back_port = int(accepting[1])
        self._front = await asyncio.start_server(self._serve, LOCALHOST, 0)
        self.port = self._front.sockets[0].getsockname()[1]
        self._conversation = asyncio.create_task(self._converse())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None
    ) -> None:
        self._front.close()
        await self._front.wait_closed()
        if exc is not None:
            self._process.kill()
        await self._conversation
        await self._process.wait()

    @property
    def has_client_certificate(self) -> bool:
        return b"depth=0 " in self.output  # its word on the first of a chain

    async def _next_line(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        self.output += line
        return line

    async def _converse(self) -> None:
        """Say what an IMAP server says; what OpenSSL prints about the session is no command."""
        stdin = self._process.stdin
        assert stdin is not None
        if self._tls is TLSMode.IMPLICIT:
            stdin.write(b"* OK %s hi\n" % OFFERS)
        while line := await self._next_line():
            if command := COMMAND.match(line):
                self.commands.append(command[2])
                stdin.write(REPLIES[command[2]] % command[1])
        stdin.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._tls is TLSMode.STARTTLS:
            writer.write(b"* OK hi\r\n")
            tag, *_ = (await reader.readline()).split()
            writer.write(b"%s OK begin\r\n" % tag)
        back, to_back = await asyncio.open_connection(LOCALHOST, self._back_port)
        await asyncio.gather(self._record(reader, to_back), _pump(back, writer))

    async def _record(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_SIZE):
                self.received += data
                writer.write(data)
        await _closed(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_SIZE):
            writer.write(data)
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
