"""One IMAP session: its state, its commands one after another, its answers (RFC 3501)."""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import Final

from securemail.testing.connection import Connection, LineError
from securemail.testing.imap.syntax import Arguments, BadCommandError
from securemail.testing.imap.view import View
from securemail.testing.sasl.exchange import Realm
from securemail.testing.store import MailStore

MAX_LINE_BYTES: Final = 64 * 1024
# Before login nobody has a message to send; afterwards it is more than any provider takes.
MAX_LITERAL_BYTES: Final = 4 * 1024
MAX_MESSAGE_BYTES: Final = 160 * 1024 * 1024

_LITERAL_FOLLOWS: Final = re.compile(rb"\{(\d{1,20})(\+?)\}\r\n\Z")
_HEAD: Final = re.compile(rb'([^\x00-\x20(){%*"\\+\x7f-\xff]+) ([A-Za-z]+)')


class State(Enum):
    """The states of RFC 3501 section 3."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


class RefusedError(Exception):
    """The command is right, but its answer is NO."""


class HangupError(Exception):
    """The command is answered with BAD and the connection is closed."""


@dataclass(frozen=True, slots=True)
class Site:
    """What all sessions of a server share."""

    host_name: str
    users: Mapping[str, str]
    throttled: Mapping[str, str]
    store: MailStore
    context: ssl.SSLContext
    mechanisms: tuple[str, ...]
    realm: Realm
    has_login: bool
    has_sasl_ir: bool
    greets_with_capabilities: bool
    has_notify: bool = True


class Session:
    """A session on a connection; `run()` lasts until the client leaves or logs out."""

    def __init__(self, connection: Connection, site: Site, commands: Commands) -> None:
        self.connection: Final = connection
        self.site: Final = site
        self.state = State.NOT_AUTHENTICATED
        self.user = ""
        self.tag = "*"
        self.selected: View | None = None
        # What NOTIFY has asked for, until it is closed.
        self.notified = ExitStack()
        self._commands = commands

    async def run(self, greeting: str) -> None:
        """Greet and serve.

        Raises:
            ConnectionResetError: the client has left.

        """
        self.untagged(greeting)
        try:
            while self.state is not State.LOGOUT:
                await self._serve_one()
                await self.connection.drain()
        except LineError as exc:
            self.untagged(f"BYE {exc}")
        finally:
            self.notified.close()

    @property
    def is_secured(self) -> bool:
        """TLS is up."""
        return self.connection.tls is not None

    @property
    def view(self) -> View:
        """The selected mailbox. Raises `BadCommandError` when there is none."""
        if self.selected is None:
            raise BadCommandError("no mailbox is selected")
        return self.selected

    def untagged(self, text: str) -> None:
        """Send an untagged answer."""
        self.connection.write(f"* {text}\r\n".encode())

    def tagged(self, text: str) -> None:
        """Send the answer that ends the command."""
        self.connection.write(f"{self.tag} {text}\r\n".encode())

    def tell_changes(self, *, expunges: bool = True) -> None:
        """Tell the client what has happened in its mailbox, whoever did it."""
        if self.selected is not None:
            for line in self.selected.changes(expunges=expunges):
                self.untagged(line)

    async def ask(self, prompt: str) -> bytes:
        """Send a continuation request and return the client's line without its CRLF."""
        self.connection.write(f"+ {prompt}\r\n".encode())
        return (await self.connection.readline(MAX_LINE_BYTES))[:-2]

    async def _serve_one(self) -> None:
        self.tag = "*"
        try:
            name, arguments = _split(await self._read_command())
            command = self._command(name)
            done = await command.run(self, arguments)
            self.tell_changes(expunges=command.tells_expunges)
            if done is not None:
                self.tagged(f"OK {done}")
        except RefusedError as exc:
            self.tagged(f"NO {exc}")
        except BadCommandError as exc:
            self.tagged(f"BAD {exc}")
        except HangupError as exc:
            self.tagged(f"BAD {exc}")
            self.state = State.LOGOUT

    def _command(self, name: str) -> Command:
        command = self._commands.get(name)
        if command is None or self.state not in command.states:
            raise BadCommandError(f"{name} is unknown in the state {self.state.value}")
        return command

    async def _read_command(self) -> bytes:
        """Return a whole command; its literals stand inline."""
        command = bytearray(await self.connection.readline(MAX_LINE_BYTES))
        self.tag = _tag(command)
        while found := _LITERAL_FOLLOWS.search(command[-32:]):
            if found[2]:
                # LITERAL+ is not offered, and what follows cannot be told from a command.
                raise HangupError("non-synchronizing literals are not offered")
            size = int(found[1])
            if len(command) + size > self._max_literal_bytes:
                raise RefusedError(f"[TOOBIG] a literal of {size} bytes")
            self.connection.write(b"+ go ahead\r\n")
            command += await self.connection.readexactly(size)
            command += await self.connection.readline(MAX_LINE_BYTES)
        return bytes(command[:-2])

    @property
    def _max_literal_bytes(self) -> int:
        is_known = self.state is not State.NOT_AUTHENTICATED
        return MAX_MESSAGE_BYTES if is_known else MAX_LITERAL_BYTES


# Returns the words behind OK, or None when the answer has been given already.
Run = Callable[[Session, Arguments], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Command:
    """How a command is run, and in which states."""

    run: Run
    states: frozenset[State]
    tells_expunges: bool = True


Commands = Mapping[str, Command]


def states(*allowed: State) -> frozenset[State]:
    """Return the states as a set."""
    return frozenset(allowed)


def words(parts: Iterable[str]) -> str:
    """Join with spaces."""
    return " ".join(parts)


def _tag(command: bytes | bytearray) -> str:
    found = _HEAD.match(command)
    return found[1].decode("ascii") if found else "*"


def _split(command: bytes) -> tuple[str, Arguments]:
    found = _HEAD.match(command)
    if not found:
        raise BadCommandError("no tag, or no command")
    name = found[2].decode("ascii").upper()
    rest = command[found.end() :]
    if name == "UID" and rest.startswith(b" "):
        sub, _, rest = rest[1:].partition(b" ")
        name = f"UID {sub.decode('latin-1').upper()}"
        rest = b" " + rest
    return name, Arguments(rest)
