"""What is fetched and submitted in bulk: where it is, how much, and how a peer asks for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.dovecot import DovecotWorld
from tests.servers.dovecot_files import mail_owner

POP3_USER: Final = "alice"
MESSAGES: Final = 1000
LARGE_BYTES: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Fetch:
    """One FETCH, in a mailbox of its own; `least` is how many lines the answer has at least."""

    name: str
    mailbox: str
    messages: str
    items: str
    least: int


# The name of the operation that a peer is asked for, and what it is.
FETCHES: Final = {
    "flags": Fetch("10,000 FLAGS", "Many", "1:10000", "(FLAGS)", 10_000),
    "envelopes": Fetch("5,000 envelopes", "Many", "1:5000", "(ENVELOPE)", 5_000),
    "bodies": Fetch("1,000 messages of 20 KiB", "Bulk", "1:1000", "(BODY.PEEK[])", 1_000),
    "large": Fetch("one message of 50 MB", "Large", "1", "(BODY.PEEK[])", 1),
}


def message(size: int, number: int = 0) -> bytes:
    """Return a message of about `size` bytes, its lines ended by LF."""
    head = (
        b"From: Bob <bob@example.test>\nTo: Alice <alice@example.test>\n"
        b"Subject: minutes of the meeting, part %d\nDate: Sat, 28 Nov 2026 12:00:00 +0000\n"
        b"Message-ID: <%d@example.test>\n\n" % (number, number)
    )
    line = b"The quick brown fox jumps over the lazy dog, and does so again and again.\n"
    return head + line * max(1, (size - len(head)) // len(line))


SENDER: Final = "bob@example.test"
RECIPIENT: Final = "alice@example.test"
MESSAGE: Final = message(10 * 1024).replace(b"\n", b"\r\n")


def fill(world: DovecotWorld) -> None:
    """Put the mail there that is fetched: bob's mailboxes, and alice's INBOX for POP3."""
    mail = world.directory / "mail"
    bob = mail / "bob" / "Maildir"
    for mailbox, count, size in (
        (bob / ".Many", 10_000, 500),
        (bob / ".Bulk", MESSAGES, 20 * 1024),
        (bob / ".Large", 1, LARGE_BYTES),
        (mail / POP3_USER / "Maildir", MESSAGES, 20 * 1024),
    ):
        _fill(mailbox, count, size)


def _fill(mailbox: Path, count: int, size: int) -> None:
    """Make `count` messages, all of them links to one file: what is measured is the client."""
    for name in ("", "cur", "new", "tmp"):
        (mailbox / name).mkdir(exist_ok=True)
        os.chown(mailbox / name, *mail_owner())
    first = mailbox / "cur" / "1700000000.0.bench:2,S"
    first.write_bytes(message(size))
    os.chown(first, *mail_owner())
    for number in range(1, count):
        os.link(first, mailbox / "cur" / f"1700000000.{number}.bench:2,S")


def check(fetch: Fetch, lines: int) -> None:
    """Raise ValueError for an answer that is not all there."""
    if lines < fetch.least:
        raise ValueError(f"{lines} lines for {fetch.name}")
