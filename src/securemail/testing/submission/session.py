"""One submission session: its commands one after another, its replies (RFC 5321, RFC 6409)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from securemail.testing.connection import Connection, LineError
from securemail.testing.submission.office import Office

# RFC 4954 section 4: a response may be that long. A command may not.
MAX_LINE_BYTES: Final = 12288 + 2
MAX_COMMAND_BYTES: Final = 512


class ReplyError(Exception):
    """The command is answered with this code and these words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Session:
    """A session on a connection; `run()` lasts until the client leaves or quits."""

    def __init__(self, connection: Connection, office: Office, commands: Commands) -> None:
        self.connection: Final = connection
        self.office: Final = office
        self.name = ""  # what EHLO said
        self.user = ""  # who has logged in
        self.sender: str | None = None
        self.parameters: tuple[str, ...] = ()
        self.recipients: list[str] = []
        self.is_over = False
        self._commands = commands

    @property
    def is_secured(self) -> bool:
        """TLS is up."""
        return self.connection.tls is not None

    def reset(self) -> None:
        """Forget the transaction."""
        self.sender, self.parameters, self.recipients = None, (), []

    def reply(self, code: int, *lines: str) -> None:
        """Send a reply of one or more lines."""
        for number, line in enumerate(lines, 1):
            mark = " " if number == len(lines) else "-"
            self.connection.write(f"{code}{mark}{line}\r\n".encode())

    async def read_response(self) -> bytes:
        """Return a line of the client without its CRLF."""
        return (await self.connection.readline(MAX_LINE_BYTES))[:-2]

    async def run(self) -> None:
        """Greet and serve.

        Raises:
            ConnectionResetError: the client has left.

        """
        self.reply(220, f"{self.office.site.host_name} ESMTP")
        try:
            while not self.is_over:
                await self._serve_one()
                await self.connection.drain()
        except LineError as exc:
            self.reply(500, f"5.5.2 {exc}")

    async def _serve_one(self) -> None:
        line = await self.read_response()
        try:
            await self._run(line)
        except ReplyError as exc:
            self.reply(exc.code, exc.text)
        except UnicodeDecodeError:
            self.reply(500, "5.5.2 neither ASCII nor UTF-8")

    async def _run(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        run = self._commands.get(verb.upper())
        if len(line) + 2 > MAX_COMMAND_BYTES:
            raise ReplyError(500, f"5.5.6 a command of more than {MAX_COMMAND_BYTES} octets")
        if run is None:
            raise ReplyError(500, "5.5.1 what?")
        await run(self, rest.decode("utf-8").strip())


Run = Callable[[Session, str], Awaitable[None]]
Commands = Mapping[bytes, Run]
