"""One POP3 session: its state, its commands one after another, its answers (RFC 1939)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from securemail.testing.connection import Connection, LineError
from securemail.testing.imap.session import Site
from securemail.testing.store import Mailbox

# RFC 2449 section 4 allows 255; SASL responses are longer (RFC 5034 section 4).
MAX_LINE_BYTES: Final = 16 * 1024

_STUFFED: Final = re.compile(rb"(\A|\r\n)\.")


class State(Enum):
    """The states of RFC 1939 section 3. UPDATE is what QUIT does."""

    AUTHORIZATION = "authorization"
    TRANSACTION = "transaction"
    OVER = "over"


class RefusedError(Exception):
    """The answer is -ERR."""


class HangupError(Exception):
    """The answer is -ERR, and the connection is closed."""


@dataclass(frozen=True, slots=True)
class Maildrops:
    """What all POP3 sessions of a server share; `locked` are the users who have one."""

    site: Site
    offers_pipelining: bool
    offers_utf8: bool
    offers_apop: bool
    locked: set[str] = field(default_factory=set)


class Session:
    """A session on a connection; `run()` lasts until the client leaves or quits."""

    def __init__(self, connection: Connection, maildrops: Maildrops, commands: Commands) -> None:
        self.connection: Final = connection
        self.maildrops: Final = maildrops
        self.site: Final = maildrops.site
        self.state = State.AUTHORIZATION
        self.claimed = ""  # by USER
        self.timestamp = f"<{secrets.token_hex(12)}@securemail.testing>"
        self.is_utf8 = False
        self.user = ""
        self.uids: list[int] = []  # of message 1, 2, ... as they were at login
        self.deleted: set[int] = set()
        self._commands = commands

    async def run(self) -> None:
        """Greet and serve.

        Raises:
            ConnectionResetError: the client has left; nothing is deleted then.

        """
        timestamp = f" {self.timestamp}" if self.maildrops.offers_apop else ""
        self.ok(f"{self.site.host_name} ready{timestamp}")
        try:
            while self.state is not State.OVER:
                await self._serve_one()
                await self.connection.drain()
        except LineError as exc:
            self._say(f"-ERR {exc}")
        finally:
            if self.user:
                self.maildrops.locked.discard(self.user)

    @property
    def is_secured(self) -> bool:
        """TLS is up."""
        return self.connection.tls is not None

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox of the user who is logged in."""
        return self.site.store.mailbox(self.user)

    def ok(self, text: str) -> None:
        """Send +OK."""
        self._say(f"+OK {text}")

    def text(self, status: str, data: bytes) -> None:
        """Send +OK and a text behind it, in which a dot in front of a line is doubled."""
        if data and not data.endswith(b"\r\n"):
            data += b"\r\n"
        self.connection.write(b"+OK %b\r\n" % status.encode())
        self.connection.write(_STUFFED.sub(rb"\1..", data))
        self.connection.write(b".\r\n")

    async def ask(self, challenge: str) -> bytes:
        """Send a challenge and return the client's line without its CRLF."""
        self._say(f"+ {challenge}")
        return (await self.connection.readline(MAX_LINE_BYTES))[:-2]

    def enter(self, user: str) -> str:
        """Open the user's mailbox, unless another session has it."""
        if user in self.site.throttled:
            raise RefusedError(self.site.throttled[user])
        if user in self.maildrops.locked:
            raise RefusedError("[IN-USE] another session has the mailbox")
        self.maildrops.locked.add(user)
        self.user = user
        self.state = State.TRANSACTION
        self.uids = list(self.mailbox.messages)
        return f"{len(self.uids)} messages"

    def _say(self, text: str) -> None:
        self.connection.write(f"{text}\r\n".encode())

    async def _serve_one(self) -> None:
        line = (await self.connection.readline(MAX_LINE_BYTES))[:-2]
        name, _, argument = line.partition(b" ")
        try:
            done = await self._command(name).run(self, argument)
            if done is not None:
                self.ok(done)
        except RefusedError as exc:
            self._say(f"-ERR {exc}")
        except HangupError as exc:
            self._say(f"-ERR {exc}")
            self.state = State.OVER

    def _command(self, name: bytes) -> Command:
        command = self._commands.get(name.decode("latin-1").upper())
        if command is None or self.state not in command.states:
            raise RefusedError(f"unknown in the state {self.state.value}")
        return command


# Returns the words behind +OK, or None when the answer has been given already.
Run = Callable[[Session, bytes], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Command:
    """How a command is run, and in which states."""

    run: Run
    states: frozenset[State]


Commands = Mapping[str, Command]
