"""What the bridge must not forget, and how a mail becomes a chat message and an answer a mail."""

import asyncio
import email.policy
import json
import sqlite3
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from typing import Any
from uuid import NAMESPACE_URL, uuid5

LONGEST_TEXT = 4000
# Folded at 78 characters, long Message-IDs would be encoded, and no longer be those of a mail.
ON_THE_WIRE = email.policy.SMTP.clone(max_line_length=990)

# The lock is held until the process ends: two bridges on one file would do everything twice.
SCHEMA = """
PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, state TEXT NOT NULL, text TEXT, octets BLOB);
COMMIT
"""
NEW_ITEM = "INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?)"


class State:
    """One table, in which whatever comes a second time changes nothing.

    A chat message is "unshown" or "shown", with its text, and with the header of the mail that it
    shows. An answer is "new", "sending", "sent", "refused" or "told", with its recipient and octets
    as mail; its id is its Message-ID. And there are two cursors, each stored after what they cover.
    """

    def __init__(self, path: str, own_address: str) -> None:
        self.own = own_address
        self.bell = asyncio.Event()  # there is something to show
        self._db = sqlite3.connect(path, timeout=1, isolation_level=None)
        try:
            self._db.executescript(SCHEMA)
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def items(self, state: str) -> list[tuple[str, str, bytes]]:
        kept = "SELECT id, text, octets FROM items WHERE state = ? ORDER BY rowid"
        return self._db.execute(kept, [state]).fetchall()

    def mark(self, ident: str, state: str, *, was: str = "%") -> None:
        change = "UPDATE items SET state = ? WHERE id = ? AND state LIKE ?"
        self._db.execute(change, (state, ident, was))

    def cursor(self, name: str) -> Any:
        return next((json.loads(text) for _, text, _ in self.items(f"cursor of {name}")), None)

    def store_cursor(self, name: str, value: Any) -> None:
        new = "INSERT OR REPLACE INTO items VALUES (?, ?, ?, NULL)"
        self._db.execute(new, (f"cursor of {name}", f"cursor of {name}", json.dumps(value)))

    def show(self, ident: str, text: str, header: bytes | None = None) -> None:
        """Keep something to be said to the person, once."""
        self._db.execute(NEW_ITEM, (ident, "unshown", printable(text), header))
        self.bell.set()

    def take_mail(self, ident: str, octets: bytes) -> None:
        """Keep a mail to be shown. Our own copy is the proof that an answer in doubt went out."""
        header = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        sender, subject = field(header, "Reply-To", "From"), field(header, "Subject")
        self.mark(field(header, "Message-ID"), "sent", was="sending")
        self.show(ident, f"{sender}: {subject}\n\n{text_of(octets)}", header)

    def take_answer(self, ident: str, to: str, text: str) -> tuple[str, str, bytes] | None:
        """Make the mail that an answer asks for, and return it if it is the first time."""
        mail = "SELECT octets FROM items WHERE id = ? AND state LIKE '%shown' AND octets NOT NULL"
        row = self._db.execute(mail, [to]).fetchone()
        # Its Message-ID follows from the archive's id: told again, it is the same mail.
        host, unique = self.own.rpartition("@")[2], uuid5(NAMESPACE_URL, f"{self.own} {ident}")
        made = reply(self.own, f"<{unique}@{host}>", row[0], text) if row else None
        if made is None:
            self.show(f"note-{ident}", "Not sent: answer to a mail above that has a sender.")
            return None
        message_id, recipient, octets = made
        is_new = self._db.execute(NEW_ITEM, (message_id, "new", recipient, octets)).rowcount
        return made if is_new else None


def printable(text: str) -> str:
    """Return `text` without what XML cannot carry: a server ends the stream for one such octet."""
    allowed = (c if c.isprintable() or c in "\n\t" else " " for c in text.replace("\r\n", "\n"))
    return "".join(allowed)


def field(header: bytes, *names: str) -> str:
    """Return the first of these fields that a mail has, on one line."""
    try:
        found = message_from_bytes(header, policy=email.policy.default)
        text = next((str(found[name]) for name in names if found[name]), "")
    except Exception:  # noqa: BLE001 - email's parsers raise nearly anything on what strangers send
        return ""
    return " ".join(printable(text).split())[:900]


def text_of(octets: bytes) -> str:
    """Return what a mail says, whatever it is: one that cannot be read is told, too."""
    try:
        body = message_from_bytes(octets, policy=email.policy.default).get_body(("plain",))
        text: str = body.get_content() if body else "(no plain text: look into the mailbox)"
    except Exception:  # noqa: BLE001 - as above
        return "(this mail cannot be read: look into the mailbox)"
    return printable(text)[:LONGEST_TEXT]


def reply(own: str, message_id: str, header: bytes, text: str) -> tuple[str, str, bytes] | None:
    """Return Message-ID, recipient and octets of the mail that answers another (RFC 5322, 3.6.4).

    None where its sender cannot be answered.
    """
    subject, parent = field(header, "Subject"), field(header, "Message-ID")
    ancestors = field(header, "References", "In-Reply-To")
    recipient = parseaddr(field(header, "Reply-To", "From"))[1]
    made = EmailMessage()
    try:
        made["From"], made["To"], made["Message-ID"] = own, recipient, message_id
        made["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
        made["Date"] = localtime()
        if parent:
            made["In-Reply-To"], made["References"] = parent, f"{ancestors} {parent}".strip()
        made.set_content(text)
        octets = made.as_bytes(policy=ON_THE_WIRE)
    except Exception:  # noqa: BLE001 - as above
        return None
    return (message_id, recipient, octets) if recipient else None
