"""A hostile or odd server as data, for any line protocol: a dialogue with octets placed exactly."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, assert_never

from securemail.testing import steps
from securemail.testing.listener import ADDRESS, Listener
from securemail.testing.peer import Peer, ScriptError, Transcript


class ScriptedServer:
    """Plays a script to every client that connects, and records what left the client's socket.

    Use it as `async with ScriptedServer([...], context=...) as server`, connect to `server.address`
    and `server.port`, end the client, `await server.finished.wait()` and look at the record. A
    script that ends without a `Hang` ends with a `Close`. Nothing is raised: whatever went another
    way than scripted is in `problem`.

    `hanging` is set once a `Hang` is reached; `finished` is set when every client that came has
    left and all it sent is recorded. Every connection plays the script from its beginning, and has
    its own entry in `transcripts`.

    Raises:
        ValueError: a `StartTLS` has no context, and neither has the server.

    """

    def __init__(
        self, script: Sequence[steps.Step], *, context: ssl.SSLContext | None = None
    ) -> None:
        bare = any(isinstance(s, steps.StartTLS) and s.context is None for s in script)
        if bare and context is None:
            raise ValueError("StartTLS needs a context: its own, or the server's")
        self._script: Final = tuple(script)
        self._context = context
        self._listener = Listener(self._serve)
        self._open = 0
        self.transcripts: list[Transcript] = []
        self.hanging = asyncio.Event()
        self.finished = asyncio.Event()

    @property
    def address(self) -> str:
        """The IPv4 address that it listens on."""
        return ADDRESS

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._listener.port

    @property
    def connections(self) -> int:
        """How many clients have connected."""
        return self._listener.accepted

    @property
    def cleartext(self) -> bytes:
        """What left before the first TLS record of each connection, in the order they came."""
        return b"".join(t.cleartext for t in self.transcripts)

    @property
    def raw(self) -> bytes:
        """Every octet received, in the order of the connections."""
        return b"".join(t.raw for t in self.transcripts)

    @property
    def plaintext(self) -> bytes:
        """What was decrypted inside TLS, in the order of the connections."""
        return b"".join(t.plaintext for t in self.transcripts)

    @property
    def client_certificate(self) -> bytes | None:
        """The first client certificate (DER) that a completed handshake brought."""
        return next((t.client_certificate for t in self.transcripts if t.client_certificate), None)

    @property
    def problem(self) -> str | None:
        """The first thing that went another way than scripted."""
        return next((t.problem for t in self.transcripts if t.problem), None)

    async def __aenter__(self) -> Self:
        self._listener.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every connection and stop listening. More than once is harmless."""
        await self._listener.aclose()
        self.finished.set()

    async def _serve(self, sock: socket.socket) -> None:
        peer = Peer(sock)
        self.transcripts.append(peer.transcript)
        self._open += 1
        self.finished.clear()
        try:
            await self._play(peer)
        except Exception as exc:  # noqa: BLE001 - a mistake in a script is told, not logged
            peer.transcript.problem = peer.transcript.problem or repr(exc)
        finally:
            sock.close()
            self._open -= 1
            if not self._open:
                self.finished.set()

    async def _play(self, peer: Peer) -> None:
        try:
            for step in (*self._script, steps.Close()):
                await self._perform(step, peer)
                peer.transcript.steps += 1
                if isinstance(step, steps.Reset):
                    return
        except ScriptError as exc:
            peer.transcript.problem = str(exc)
            peer.fin()
        except ConnectionError:
            pass  # it left while we were talking; what it sent before can still be read
        await peer.drain()

    async def _perform(self, step: steps.Step, peer: Peer) -> None:  # noqa: C901 - a table
        match step:
            case steps.Send(data):
                await peer.send(data.replace(steps.TAG, peer.tag))
            case steps.SendSlowly(data):
                octets = data.replace(steps.TAG, peer.tag)
                await peer.send_each([octets[i : i + 1] for i in range(len(octets))])
            case steps.SendSegments(parts):
                await peer.send_each([part.replace(steps.TAG, peer.tag) for part in parts])
            case steps.SendRaw(data):
                await peer.send_raw(data)
            case steps.Repeat(data, times):
                await peer.repeat(data.replace(steps.TAG, peer.tag), times)
            case steps.Expect(pattern):
                await _expect(pattern, peer)
            case steps.Await():
                await _await(step, peer)
            case steps.AwaitHello():
                await peer.read_hello()
            case steps.StartTLS(context):
                await peer.handshake(context or self._required_context())
            case steps.Hang():
                self.hanging.set()
                await peer.drain()
            case steps.Close():
                await peer.close_notify()
                peer.fin()
            case steps.CloseWithoutAlert():
                peer.fin()
            case steps.Reset():
                peer.reset()
            case _:
                assert_never(step)

    def _required_context(self) -> ssl.SSLContext:
        if self._context is None:
            raise ScriptError("StartTLS without a context")
        return self._context


async def _expect(pattern: bytes, peer: Peer) -> None:
    line = await _line(pattern, peer)
    if not re.fullmatch(pattern, line):
        raise ScriptError(f"expected {pattern!r}, got {line!r}")


async def _await(step: steps.Await, peer: Peer) -> None:
    while not re.fullmatch(step.pattern, line := await _line(step.pattern, peer)):
        answers = (answer for pattern, answer in step.meanwhile if re.fullmatch(pattern, line))
        answer = next(answers, None)
        if answer is None:
            raise ScriptError(f"expected {step.pattern!r}, got {line!r}")
        await peer.send(answer.replace(steps.TAG, peer.tag))


async def _line(pattern: bytes, peer: Peer) -> bytes:
    try:
        return await peer.read_line()
    except ScriptError as exc:
        raise ScriptError(f"expected {pattern!r}: {exc}") from exc
