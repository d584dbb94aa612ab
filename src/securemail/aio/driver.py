"""Moves bytes between the transport and the login dialogue, and waits for what it says."""

from __future__ import annotations

import asyncio

from securemail.aio.transport import SecureTransport
from securemail.aio.upper import Upper
from securemail.errors import ConnectError, ProtocolError, SecureMailError, UsageError
from securemail.protocol.dialogue import Command, Event, Goodbye
from securemail.protocol.machine import Machine


class Driver(Upper):
    """The first protocol above its `SecureTransport`, from connect to login.

    One task at a time may wait on it; a second one is told so.
    """

    __slots__ = (
        "_failure",
        "_is_lost",
        "_waiter",
        "is_secured",
        "machine",
        "transport",
    )

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.is_secured = False
        self._failure: SecureMailError | None = None
        self._is_lost = False
        self._waiter: asyncio.Future[None] | None = None
        self.transport = SecureTransport(self)

    def data_received(self, data: bytes) -> None:
        """Give `data` to the dialogue."""
        try:
            self.machine.receive_data(data)
        except SecureMailError as exc:
            self._failed(exc)
        self._wake()

    def tls_established(self) -> None:
        """Let the dialogue begin anew, before any byte that came inside TLS."""
        self.is_secured = True
        self.machine.tls_established()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, at once."""
        if self._failure is None and isinstance(exc, SecureMailError):
            self._failure = exc
        self._is_lost = True
        self._wake()

    async def ask(self, command: Command, doing: str) -> Event:
        """Send `command`, if the gate lets it pass, and return what the server says to it.

        Raises: PolicyError and UsageError before anything is sent; otherwise as `next_event`.
        """
        self._check_alive(doing)
        try:
            # Not a name in between: it would be in every traceback, password and all.
            self.transport.write(self.machine.send(command))
        except (ConnectError, ProtocolError) as exc:
            self._failed(exc)
            raise
        return await self.next_event(doing)

    async def next_event(self, doing: str) -> Event:
        """Return what the server says next.

        Raises: ConnectError, TLSError, CertificateError, ProtocolError; the connection is closed
        then. A server that says goodbye is a ConnectError with its words.
        """
        while True:
            event = self._take_event()
            if isinstance(event, Goodbye):
                raise self._failed(ConnectError(f"the server said: {event.words}", phase=doing))
            if event is not None:
                return event
            self._check_alive(doing)
            await self._wait()

    async def secured(self) -> None:
        """Return when TLS is up.

        Raises: CertificateError, TLSError, ConnectError.
        """
        while not self.is_secured:
            self._check_alive("the TLS handshake")
            await self._wait()

    def forget_error(self) -> None:
        """Hold the error no longer that whoever waited was told: its frames hold this."""
        self._failure = None
        self.transport.error = None

    def _take_event(self) -> Event | None:
        try:
            return self.machine.next_event()
        except SecureMailError as exc:
            self._failed(exc)
            raise

    def _check_alive(self, doing: str) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_lost:
            raise ConnectError(f"the connection was closed during {doing}", phase=doing)

    def _failed(self, exc: SecureMailError) -> SecureMailError:
        """Close the connection because of `exc`."""
        self._failure = self._failure or exc
        self.transport.abort()
        return exc

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise UsageError("another task waits for an answer already", field="session")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            # The answer that comes now would be taken for the next command's.
            self.transport.abort()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
