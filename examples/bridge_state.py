"""What the bridge must not forget, in one SQLite file, and how a mail becomes a chat and back."""

import email.policy
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import Any

LONGEST_TEXT = 4000
# Folded at 78 characters, long Message-IDs would be encoded, and no longer be those of a mail.
ON_THE_WIRE = email.policy.SMTP.clone(max_line_length=990)

SCHEMA = """
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chats (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, is_shown INTEGER NOT NULL DEFAULT 0,
    sender TEXT, subject TEXT, message_id TEXT, ancestors TEXT);
CREATE TABLE IF NOT EXISTS mails (
    id TEXT PRIMARY KEY, message_id TEXT UNIQUE, recipient TEXT, raw BLOB,
    state TEXT NOT NULL);  -- new, sending, sent, refused, told, void
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as the chat shows it. `id` is the same however often it is read."""

    id: str
    sender: str
    subject: str
    message_id: str
    ancestors: str
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message in the chat archive: ours (`is_ours`), or the person's."""

    archive_id: str
    stanza_id: str
    is_ours: bool
    body: str
    answers: str


def letter(ident: str, raw: bytes) -> Letter:
    """Return what a mail says, whatever it is: a mail that cannot be read is told, too."""
    try:
        found = message_from_bytes(raw, policy=email.policy.default)
        body = found.get_body(("plain",))
        text = body.get_content() if body else "(no plain text: look into the mailbox)"
        sender = str(found["Reply-To"] or found["From"] or "")
        ancestors = str(found["References"] or found["In-Reply-To"] or "")
        subject, message_id = str(found["Subject"] or ""), str(found["Message-ID"] or "")
    except Exception:  # noqa: BLE001 - email's parsers raise nearly anything on what strangers send
        sender = subject = message_id = ancestors = ""
        text = "(this mail cannot be read: look into the mailbox)"
    return Letter(
        ident,
        one_line(sender),
        one_line(subject),
        one_line(message_id),
        one_line(ancestors),
        printable(text)[:LONGEST_TEXT],
    )


def one_line(text: str) -> str:
    return " ".join(printable(text).split())[:900]


def printable(text: str) -> str:
    """Return `text` without what XML cannot carry: a server ends the stream for one such octet."""
    allowed = (c if c.isprintable() or c in "\n\t" else " " for c in text.replace("\r\n", "\n"))
    return "".join(allowed)


class State:
    """The cursors, what is to be shown, and what is to be sent. Each method is a transaction."""

    def __init__(self, path: str, own_address: str) -> None:
        self._own = own_address
        # Held until the process ends: two bridges on one file would do everything twice.
        self._db = sqlite3.connect(path, timeout=1)
        self._db.executescript(f"PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; {SCHEMA}")
        self._db.execute("UPDATE cursors SET value = value")
        self._db.commit()

    def close(self) -> None:
        self._db.close()

    def cursor(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM cursors WHERE name = ?", [name]).fetchone()
        return json.loads(row[0]) if row else None

    def take_mail(self, cursor: dict[str, Any], letters: Iterable[Letter] = ()) -> None:
        """Store new mail and the cursor behind it: both or neither."""
        with self._db:
            self._set("mail", cursor)
            for each in letters:
                body = f"{each.sender}: {each.subject}\n\n{each.text}"
                names = (each.sender, each.subject, each.message_id, each.ancestors)
                self._db.execute(
                    "INSERT OR IGNORE INTO chats VALUES (?, ?, 0, ?, ?, ?, ?)",
                    (each.id, body, *names),
                )
                # Our own copy is the proof that a mail in doubt went out.
                self._db.execute(
                    "UPDATE mails SET state = 'sent' WHERE message_id = ?", [each.message_id]
                )

    def take_chat(self, cursor: dict[str, str], said: Iterable[Said]) -> None:
        """Store what the archive holds and the cursor behind it: both or neither."""
        with self._db:
            self._set("chat", cursor)
            for each in said:
                if each.is_ours:
                    self._db.execute("UPDATE chats SET is_shown = 1 WHERE id = ?", [each.stanza_id])
                elif each.body and not self._is_known(each):
                    self._answer(each)

    def unshown(self) -> list[tuple[str, str]]:
        rows = self._db.execute("SELECT id, body FROM chats WHERE NOT is_shown ORDER BY rowid")
        return list(rows)

    def mails(self, state: str) -> list[tuple[str, str, bytes]]:
        rows = self._db.execute(
            "SELECT id, recipient, raw FROM mails WHERE state = ? ORDER BY rowid", [state]
        )
        return rows.fetchall()

    def mark(self, ident: str, state: str, note: str = "") -> None:
        """Store what became of a mail, and what the person is to be told of it."""
        with self._db:
            self._db.execute("UPDATE mails SET state = ? WHERE id = ?", [state, ident])
            if note:
                self._note(f"{ident}-{state}", note)

    def note(self, ident: str, text: str) -> None:
        with self._db:
            self._note(ident, text)

    def _set(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [name, json.dumps(value)])

    def _note(self, ident: str, text: str) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO chats (id, body) VALUES (?, ?)", [f"note-{ident}", text]
        )

    def _is_known(self, said: Said) -> bool:
        known = "SELECT 1 FROM mails WHERE id = ?"
        return self._db.execute(known, [said.archive_id]).fetchone() is not None

    def _answer(self, said: Said) -> None:
        """Make the mail that an answer asks for, with the Message-ID that it keeps for ever."""
        row = self._db.execute(
            "SELECT sender, subject, message_id, ancestors FROM chats"
            " WHERE id = ? AND sender IS NOT NULL",
            [said.answers],
        ).fetchone()
        made = reply(self._own, row, said.body) if row else None
        if made is None:
            self._db.execute("INSERT INTO mails (id, state) VALUES (?, 'void')", [said.archive_id])
            self._note(said.archive_id, "Not sent: answer to a mail above that has a sender.")
            return
        self._db.execute("INSERT INTO mails VALUES (?, ?, ?, ?, 'new')", (said.archive_id, *made))


def reply(own: str, to: tuple[str, str, str, str], text: str) -> tuple[str, str, bytes] | None:
    """Return Message-ID, recipient and octets of the mail that answers another (RFC 5322, 3.6.4).

    None where its sender cannot be answered.
    """
    sender, subject, message_id, ancestors = to
    made = EmailMessage()
    recipient = parseaddr(sender)[1]
    try:
        made["From"], made["To"] = own, recipient
        made["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
        made["Date"] = datetime.now(UTC)
        made["Message-ID"] = make_msgid(domain=own.rpartition("@")[2])
        if message_id:
            made["In-Reply-To"] = message_id
            made["References"] = f"{ancestors} {message_id}".strip()
        made.set_content(text)
        raw = made.as_bytes(policy=ON_THE_WIRE)
    except Exception:  # noqa: BLE001 - as in letter()
        return None
    return (str(made["Message-ID"]), recipient, raw) if recipient else None
