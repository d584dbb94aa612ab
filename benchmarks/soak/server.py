"""The mail server, in a process of its own that may be killed at any moment.

python -m benchmarks.soak.server JOURNAL CERTIFICATE MAILBOXES
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from benchmarks.soak.child import say, told

from securemail.testing import MailServer, Offer, ServerCertificate

MESSAGE: Final = b"Subject: news\r\n\r\nNews.\r\n"
PASSWORD: Final = "secret"
HOST: Final = "mail.example.org"


def users(count: int) -> list[str]:
    """Return the names of so many users."""
    return [f"user{number}" for number in range(count)]


class Journaled:
    """A server that writes down what it is going to do to its mailboxes."""

    def __init__(self, server: MailServer, journal: Path) -> None:
        self.server = server
        self._store = server.store
        # A write() of one line is whole or not there, whenever the process is killed.
        self._journal = journal.open("ab", buffering=0)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def replay(self, lines: list[str]) -> None:
        """Do again what was done before the process was killed."""
        for line in lines:
            self._act(*line.split())

    def act(self, what: str, user: str, *rest: str) -> None:
        """Write it down, and do it."""
        self._journal.write(" ".join((what, user, *rest)).encode() + b"\n")
        self._act(what, user, *rest)

    def expunge_one(self, user: str, chance: int) -> None:
        """Expunge a message, if there is one."""
        there = list(self._store.mailbox(user).messages)
        if there:
            self.act("x", user, str(there[chance % len(there)]))

    def state(self) -> dict[str, tuple[int, list[int]]]:
        """Return the UIDVALIDITY and the UIDs of each mailbox."""
        boxes = {user: self._store.mailbox(user) for user in self.server.users}
        return {user: (box.uidvalidity, list(box.messages)) for user, box in boxes.items()}

    def _act(self, what: str, user: str, *rest: str) -> None:
        match what:
            case "d":
                self._store.deliver(user, MESSAGE)
            case "x":
                self._store.mailbox(user).expunge([int(rest[0])])
            case "r":
                self._store.renumber(user)


def opened(journal: Path, certificate: Path, count: int) -> Journaled:
    """Return a server that goes on from its journal."""
    offer = Offer(certificate=ServerCertificate(certificate.read_bytes()))
    server = MailServer(
        dict.fromkeys(users(count), PASSWORD),
        host_name=HOST,
        client_certificates=False,
        offer=offer,
    )
    mail = Journaled(server, journal)
    mail.replay(journal.read_text().splitlines())
    return mail


async def serve(mail: Journaled) -> None:
    """Serve until killed, or until there is nobody to be told by."""
    server = mail.server
    async with server:
        say([server.port("imap"), server.port("imap", "starttls"), server.port("pop3")])
        async for words in told():
            match words:
                case ["d" | "r" as what, *names]:
                    for user in names:
                        mail.act(what, user)
                case ["x", user, chance]:
                    mail.expunge_one(user, int(chance))
                case ["reset"]:
                    server.kill()
                case ["bye"]:
                    server.say_goodbye("the server is going down")
                case ["throttle", code]:
                    server.throttled.update(dict.fromkeys(server.users, f"[{code}] later"))
                case ["throttle"]:
                    server.throttled.clear()
            say(mail.state() if words == ["state"] else None)


if __name__ == "__main__":
    asyncio.run(serve(opened(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
