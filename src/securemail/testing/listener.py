"""A listening socket on the loopback interface, with one task for each connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

ADDRESS: Final = "127.0.0.1"
BACKLOG: Final = 1024

Serve = Callable[[socket.socket], Coroutine[Any, Any, None]]


class Listener:
    """Accepts connections and serves each in a task of its own, until `aclose()`.

    Accepting happens in a reader callback, not in a task: a task that is cancelled in
    `loop.sock_accept` can lose a socket which the kernel has already handed over.
    """

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._socket: socket.socket | None = None
        self._last_port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.accepted = 0

    @property
    def port(self) -> int:
        """The port, chosen by the system.

        Raises:
            RuntimeError: not listening yet, or not any more.

        """
        if self._socket is None:
            raise RuntimeError("the server is not running: use it in `async with`")
        return int(self._socket.getsockname()[1])

    @property
    def serving(self) -> int:
        """The number of connections being served."""
        return len(self._tasks)

    def open(self) -> None:
        """Begin to listen, on the same port as before. Call from the event loop's thread."""
        self._socket = socket.create_server((ADDRESS, self._last_port), backlog=BACKLOG)
        self._socket.settimeout(0)
        self._last_port = self.port
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    async def wait_quiet(self) -> None:
        """Wait until no connection is being served."""
        await self._quiet.wait()

    def close(self) -> None:
        """Stop listening; what is served goes on."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    async def aclose(self) -> None:
        """Stop listening, cancel all that is served and wait for its end."""
        self.close()
        for task in self._tasks:
            task.cancel()
        await self._quiet.wait()

    def _accept(self) -> None:
        if self._socket is None:
            return
        try:
            client, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it left before we looked
            return
        client.settimeout(0)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted += 1
        self._quiet.clear()
        task = asyncio.get_running_loop().create_task(self._serve(client))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, client))

    def _ended(self, task: asyncio.Task[None], client: socket.socket) -> None:
        # A task that is cancelled before its first step never runs its own clean-up.
        client.close()
        self._tasks.discard(task)
        if not self._tasks:
            self._quiet.set()
