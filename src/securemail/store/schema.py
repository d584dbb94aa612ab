"""The tables, how they came about, and whether a file has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from securemail.store.errors import StoreError, StoreReason
from securemail.store.transaction import transaction

# "SMac" in PRAGMA application_id: this file is ours.
APPLICATION: Final = 0x534D6163

# Each step is what one version added. A step that was released is never changed: add another.
STEPS: Final[Sequence[Sequence[str]]] = (
    (
        # Thousands of accounts share their authorities: each set of them is kept once.
        """CREATE TABLE trust (
            id INTEGER PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            label TEXT NOT NULL,
            pem BLOB NOT NULL
        )""",
        """CREATE TABLE account (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            position INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            document TEXT NOT NULL,
            trust INTEGER REFERENCES trust (id),
            password_name TEXT,
            key_name TEXT
        )""",
        "CREATE INDEX account_position ON account (position)",
        "CREATE INDEX account_trust ON account (trust)",
        """CREATE TABLE pin (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
            document TEXT NOT NULL,
            undone_at TEXT
        )""",
        "CREATE INDEX pin_account ON pin (account)",
        """CREATE TABLE floor (
            account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
            service TEXT NOT NULL,
            document TEXT NOT NULL,
            PRIMARY KEY (account, service)
        )""",
    ),
    # The password of an account's proxy.
    ("ALTER TABLE account ADD COLUMN proxy_name TEXT",),
)

Object = tuple[str, str, str]


def prepare(connection: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    """Bring the file to the version of `steps`; a new one gets all of them.

    Raises: StoreError for a file that is newer, damaged or not ours, which is left as it is;
    sqlite3.Error.
    """
    if _version(connection) != len(steps):
        with transaction(connection):
            _migrate(connection, steps)
    _check(connection, steps)


def _migrate(connection: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    # Asked again: now that nobody else can write, another process may have been here.
    version = _version(connection)
    if version > len(steps):
        words = f"the file has version {version}, this securemail knows {len(steps)}"
        raise StoreError(words, reason=StoreReason.NEWER)
    for statements in steps[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(steps)}")


def _version(connection: sqlite3.Connection) -> int:
    """Return how many steps the file has had; 0 for one that is empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION and (application or _objects(connection)):
        raise StoreError("its application_id is another one", reason=StoreReason.NOT_OURS)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _check(connection: sqlite3.Connection, steps: Sequence[Sequence[str]]) -> None:
    pristine = sqlite3.connect(":memory:")
    try:
        for statement in (each for statements in steps for each in statements):
            pristine.execute(statement)
        expected = _objects(pristine)
    finally:
        pristine.close()
    # A trigger that somebody has planted would run with our next statement.
    if _objects(connection) != expected:
        raise StoreError("its tables are not those of this version", reason=StoreReason.DAMAGED)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError(f"the file ({verdict})", reason=StoreReason.DAMAGED)


def _objects(connection: sqlite3.Connection) -> set[Object]:
    return set(connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master"))
