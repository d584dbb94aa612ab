"""An IMAP server whose TLS is pyOpenSSL's, and a relay that wants to sit in front of it.

Python's ssl cannot export keying material; this server does, by itself, and holds SCRAM to it
(RFC 9266).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from securemail.testing import CertificateAuthority
from securemail.testing.sasl.scram import (
    HASHES,
    ScramError,
    parse_client_first,
    server_final,
    server_first,
    verifier,
)
from tests.session.scripts import HOST

T = TypeVar("T")

LOCALHOST: Final = "127.0.0.1"
MECHANISMS: Final = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN")
PACKET_BYTES: Final = 1400
_SIZE: Final = 65536


class _TLSLine:
    """Lines inside TLS, over memory BIOs and a socket."""

    def __init__(
        self, context: SSL.Context, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._connection = SSL.Connection(context)
        self._connection.set_accept_state()
        self._reader, self._writer = reader, writer
        self._read = b""

    async def shake_hands(self) -> bytes:
        """Return what both ends can derive, and nobody between them."""
        await self._do(self._connection.do_handshake)
        return self._connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    async def _do(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except SSL.WantReadError:
                await self._flush()
                if not (data := await self._reader.read(_SIZE)):
                    raise ConnectionResetError from None
                self._connection.bio_write(data)
            finally:
                await self._flush()

    async def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            while data := self._connection.bio_read(_SIZE):
                self._writer.write(data)
        await self._writer.drain()

    async def say(self, line: bytes) -> None:
        await self._do(lambda: self._connection.sendall(line + b"\r\n"))

    async def hear(self) -> bytes:
        while b"\r\n" not in self._read:
            self._read += await self._do(lambda: self._connection.recv(_SIZE))
        line, _, self._read = self._read.partition(b"\r\n")
        return line


class ExporterServer:
    """IMAP up to the login. `asked` are the mechanisms it was asked for, `verdicts` its answers."""

    def __init__(self, ca: CertificateAuthority, password: str = "secret") -> None:
        pem = ca.issue(HOST).pem
        key = load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_certificate(x509.load_pem_x509_certificate(pem))
        self._context.use_privatekey(key)
        self._password = password
        self.asked: list[str] = []
        self.verdicts: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _TLSLine(self._context, reader, writer)
        exported = await line.shake_hands()
        offer = " ".join(f"AUTH={name}" for name in MECHANISMS)
        await line.say(b"* OK [CAPABILITY IMAP4rev1 SASL-IR %s] hi" % offer.encode())
        while True:
            tag, name, *arguments = (await line.hear()).split()
            if name == b"LOGOUT":
                await line.say(b"* BYE bye\r\n%s OK bye" % tag)
                return
            verdict = await self._authenticate(line, arguments, exported)
            self.verdicts.append(verdict)
            is_in = verdict == "yes"
            await line.say(
                b"%s %s" % (tag, b"OK [CAPABILITY IMAP4rev1] in" if is_in else b"NO refused")
            )

    async def _authenticate(self, line: _TLSLine, arguments: list[bytes], exported: bytes) -> str:
        name = arguments[0].decode()
        self.asked.append(name)
        if name not in MECHANISMS[:2]:
            return "no"
        try:
            final = await self._scram(line, name, base64.b64decode(arguments[1]), exported)
        except ScramError as exc:
            await _ask(line, f"e={exc}")
            return str(exc)
        await _ask(line, final)
        return "yes"

    async def _scram(self, line: _TLSLine, name: str, initial: bytes, exported: bytes) -> str:
        first = parse_client_first(initial)
        if first.flag == "y":
            raise ScramError("server-does-support-channel-binding")
        if first.flag != ("p=tls-exporter" if name.endswith("-PLUS") else "n"):
            raise ScramError("unsupported-channel-binding-type")
        keys = verifier(self._password, HASHES["SCRAM-SHA-256"], b"salted salt!", 4096)
        challenge = server_first(first, keys, "theirs")
        response = await _ask(line, challenge)
        bound = exported if first.flag.startswith("p=") else b""
        return server_final(first, challenge, response, keys, bound)


async def _ask(line: _TLSLine, challenge: str) -> bytes:
    await line.say(b"+ " + base64.b64encode(challenge.encode()))
    return base64.b64decode(await line.hear())


class Relay:
    """Two TLS connections with one dialogue: it has a certificate that the client trusts.

    `cut` is taken out of what the server says; `seen` is all that the client has said.
    """

    def __init__(self, ca: CertificateAuthority, port: int, *, cut: bytes) -> None:
        self._front = ca.server_context(HOST)
        self._back = ssl.create_default_context(cadata=ca.pem.decode())
        self._port = port
        self._cut = cut
        self.seen = b""

    @property
    def context(self) -> ssl.SSLContext:
        """What it shows to clients."""
        return self._front

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(
            LOCALHOST, self._port, ssl=self._back, server_hostname=HOST
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, back_writer))
                tasks.create_task(self._pump(back_reader, writer, is_client=False))
        finally:
            await _close(back_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool = True
    ) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while line := await reader.readline():
                if is_client:
                    self.seen += line
                writer.write(line if is_client or not self._cut else line.replace(self._cut, b""))
                await writer.drain()
        writer.close()


class Middlebox:
    """A relay that drops a first message of more than one packet (`dropped` counts them)."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.dropped = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(_SIZE)
        if len(hello) > PACKET_BYTES:
            self.dropped += 1
            return
        back_reader, back_writer = await asyncio.open_connection(LOCALHOST, self._port)
        back_writer.write(hello)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_copy(reader, back_writer))
                tasks.create_task(_copy(back_reader, writer))
        finally:
            await _close(back_writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_SIZE):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def listening(
    server: ExporterServer | Relay | Middlebox, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Yield the port where `server` serves; all connections are over in the end."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with contextlib.suppress(ConnectionError, SSL.Error):
                await server.serve(reader, writer)
        finally:
            await _close(writer)

    listener = await asyncio.start_server(serve, LOCALHOST, 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
        if serving:
            await asyncio.wait(serving)
    finally:
        listener.close()
        await listener.wait_closed()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
