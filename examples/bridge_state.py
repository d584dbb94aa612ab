"""What the bridge must not forget, in one SQLite file, and how a mail becomes a chat and back."""

import email.policy
import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import Any, NamedTuple

LONGEST_TEXT = 4000
# Folded at 78 characters, long Message-IDs would be encoded, and no longer be those of a mail.
ON_THE_WIRE = email.policy.SMTP.clone(max_line_length=990)

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chats (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, header BLOB, is_shown INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS mails (
    id TEXT PRIMARY KEY, message_id TEXT UNIQUE, recipient TEXT, octets BLOB,
    state TEXT NOT NULL);  -- new, sending, sent, refused, told, void
"""


class Said(NamedTuple):
    """A message in the chat archive: ours (`is_ours`), or the person's."""

    archive_id: str
    stanza_id: str
    is_ours: bool
    body: str
    answers: str


class State:
    """The cursors, what is to be shown, and what is to be sent. Each method is a transaction."""

    def __init__(self, path: str, own_address: str) -> None:
        self._own = own_address
        # Held until the process ends: two bridges on one file would do everything twice.
        self._db = sqlite3.connect(path, timeout=1)
        try:
            pragmas = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;"
            self._db.executescript(f"{pragmas} {SCHEMA}")
            self._db.execute("UPDATE cursors SET value = value")
            self._db.commit()
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def cursor(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM cursors WHERE name = ?", [name]).fetchone()
        return json.loads(row[0]) if row else None

    def store_cursor(self, name: str, value: Any) -> None:
        with self._db:
            self._set(name, value)

    def take_mail(self, ident: str, octets: bytes) -> None:
        """Keep a mail to be shown, once."""
        header = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        sender, subject = field(header, "Reply-To", "From"), field(header, "Subject")
        with self._db:
            self._show(ident, f"{sender}: {subject}\n\n{text_of(octets)}", header)
            # Our own copy is the proof that an answer in doubt went out.
            self._db.execute(
                "UPDATE mails SET state = 'sent' WHERE message_id = ? AND state = 'sending'",
                [field(header, "Message-ID")],
            )

    def take_chat(self, cursor: dict[str, str], said: Iterable[Said]) -> None:
        """Keep what the archive holds and the cursor behind it: both or neither."""
        with self._db:
            for each in said:
                if each.is_ours:
                    self._db.execute("UPDATE chats SET is_shown = 1 WHERE id = ?", [each.stanza_id])
                elif each.body:
                    self._answer(each)
            self._set("chat", cursor)

    def unshown(self) -> list[tuple[str, str]]:
        rows = self._db.execute("SELECT id, body FROM chats WHERE NOT is_shown ORDER BY rowid")
        return rows.fetchall()

    def mails(self, state: str) -> list[tuple[str, str, bytes]]:
        rows = self._db.execute(
            "SELECT id, recipient, octets FROM mails WHERE state = ? ORDER BY rowid", [state]
        )
        return rows.fetchall()

    def mark(self, ident: str, state: str) -> None:
        with self._db:
            self._db.execute("UPDATE mails SET state = ? WHERE id = ?", [state, ident])

    def note(self, name: str, text: str) -> None:
        """Keep something to be said to the person, once."""
        with self._db:
            self._show(f"note-{name}", text)

    def _set(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [name, json.dumps(value)])

    def _show(self, ident: str, body: str, header: bytes | None = None) -> None:
        new = "INSERT OR IGNORE INTO chats (id, body, header) VALUES (?, ?, ?)"
        self._db.execute(new, (ident, body, header))

    def _answer(self, said: Said) -> None:
        """Make the mail that an answer asks for, with the Message-ID that it keeps for ever."""
        known = "SELECT 1 FROM mails WHERE id = ?"
        if self._db.execute(known, [said.archive_id]).fetchone():
            return
        find = "SELECT header FROM chats WHERE id = ? AND header IS NOT NULL"
        row = self._db.execute(find, [said.answers]).fetchone()
        made = reply(self._own, row[0], said.body) if row else None
        if made is None:
            self._db.execute("INSERT INTO mails (id, state) VALUES (?, 'void')", [said.archive_id])
            self._show(
                f"note-{said.archive_id}", "Not sent: answer to a mail above that has a sender."
            )
            return
        self._db.execute("INSERT INTO mails VALUES (?, ?, ?, ?, 'new')", (said.archive_id, *made))


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
        text = body.get_content() if body else "(no plain text: look into the mailbox)"
    except Exception:  # noqa: BLE001 - as above
        text = "(this mail cannot be read: look into the mailbox)"
    return printable(text)[:LONGEST_TEXT]


def reply(own: str, header: bytes, text: str) -> tuple[str, str, bytes] | None:
    """Return Message-ID, recipient and octets of the mail that answers another (RFC 5322, 3.6.4).

    None where its sender cannot be answered.
    """
    subject, message_id = field(header, "Subject"), field(header, "Message-ID")
    made, recipient = EmailMessage(), parseaddr(field(header, "Reply-To", "From"))[1]
    try:
        made["From"], made["To"] = own, recipient
        made["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
        made["Date"] = datetime.now(UTC)
        made["Message-ID"] = make_msgid(domain=own.rpartition("@")[2])
        if message_id:
            ancestors = field(header, "References", "In-Reply-To")
            made["In-Reply-To"] = message_id
            made["References"] = f"{ancestors} {message_id}".strip()
        made.set_content(text)
        octets = made.as_bytes(policy=ON_THE_WIRE)
    except Exception:  # noqa: BLE001 - as above
        return None
    return (str(made["Message-ID"]), recipient, octets) if recipient else None
