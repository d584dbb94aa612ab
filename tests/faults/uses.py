"""What a program does with a session: several commands at once, and what each of them raised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from securemail import SecureSession, Service
from securemail.testing import MailServer
from tests.faults.scenes import LIMITS

# More than one TLS record.
_LETTER: Final = b"From: a@example.org\r\nTo: user00@example.org\r\n\r\n" + b"x" * 70 + b"\r\n"
_MESSAGE: Final = _LETTER + (b"y" * 70 + b"\r\n") * 600


def fill(server: MailServer) -> None:
    """Put the messages there that the commands ask for."""
    for user in server.users:
        for _ in range(2):
            server.store.deliver(user, _MESSAGE)


async def use(session: SecureSession) -> list[BaseException]:
    """Return the errors of commands that are on their way at once, and of one that comes later."""
    match session.service:
        case Service.IMAP:
            errors, later = await _imap(session.client)
        case Service.POP3:
            client = session.client
            errors = await _errors(client.retr(1), client.retr(2), client.noop())
            later = client.noop
        case Service.SUBMISSION:
            client = session.client
            client.data_reply_s = LIMITS.command
            errors = await _errors(client.submit(_LETTER), client.submit(_LETTER))

            async def later() -> object:
                return await client.submit(_LETTER)

    if errors:
        # Nothing waits for it but a lock that somebody has kept.
        errors += await _errors(later())
    return errors


async def _imap(client: Any) -> tuple[list[BaseException], Any]:
    errors = await _errors(client.select("INBOX"))
    errors = errors or await _errors(
        client.fetch("1", "(BODY.PEEK[])"),
        client.uid("store", "2", "+FLAGS (\\Seen)"),
        client.noop(),
    )
    errors = errors or await _errors(_idle(client))
    return errors, client.noop


async def _idle(client: Any) -> None:
    idle = await client.idle_start()
    client.idle_done()
    await idle


async def _errors(*commands: Awaitable[Any]) -> list[BaseException]:
    answers = await asyncio.gather(*commands, return_exceptions=True)
    return [answer for answer in answers if isinstance(answer, BaseException)]


async def _retr_many(client: Any) -> list[bytes]:
    return [message async for message in client.retr_many([1, 2])]


# Each of them can be cancelled where it waits.
COMMANDS: Final[dict[Service, dict[str, Callable[[Any], Awaitable[Any]]]]] = {
    Service.IMAP: {
        "NOOP": lambda client: client.noop(),
        "FETCH": lambda client: client.fetch("1", "(BODY.PEEK[])"),
        "UID STORE": lambda client: client.uid("store", "2", "+FLAGS (\\Seen)"),
        "APPEND": lambda client: client.append(_LETTER),
        "IDLE": _idle,
    },
    Service.POP3: {
        "STAT": lambda client: client.stat(),
        "RETR": lambda client: client.retr(1),
        "RETR many": _retr_many,
    },
    Service.SUBMISSION: {
        "NOOP": lambda client: client.noop(),
        "submit": lambda client: client.submit(_LETTER),
        "sendmail": lambda client: client.sendmail("a@example.org", "user00@example.org", _LETTER),
    },
}
