"""Accounts to rows and back. Blocks: it is called in the store's thread, inside a transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from securemail.account import Service
from securemail.pin import Pin
from securemail.store.document import entry_in, entry_table, pin_in
from securemail.store.entry import Entry
from securemail.store.errors import StoreError, StoreReason
from securemail.store.fields import word
from securemail.store.floor import Floor
from securemail.store.stored import PinRecord, SecretNames, StoredAccount
from securemail.trust import TrustStore

_COLUMNS: Final = "id, revision, document, trust, password_name, key_name, proxy_name"
_IDS: Final = 2**63  # SQLite has no larger ones
_BESIDE: Final = frozenset({"trust", "pins"})  # they have tables of their own


def insert(connection: sqlite3.Connection, entry: Entry, names: SecretNames) -> StoredAccount:
    """Add an account behind all others."""
    ((position,),) = connection.execute("SELECT coalesce(max(position), 0) + 1 FROM account")
    done = connection.execute(
        "INSERT INTO account"
        " (position, revision, document, trust, password_name, key_name, proxy_name)"
        " VALUES (?, 1, ?, ?, ?, ?, ?)",
        (position, *_values(connection, entry, names)),
    )
    stored = StoredAccount(id=done.lastrowid or 0, revision=1, entry=entry, names=names)
    _add_pins(connection, stored.id, entry.account.pins)
    return stored


def update(
    connection: sqlite3.Connection, stored: StoredAccount, names: SecretNames, now: datetime
) -> StoredAccount:
    """Write `stored` over the revision that it was made from.

    Raises: StoreError when somebody else was quicker.
    """
    done = connection.execute(
        "UPDATE account SET revision = revision + 1,"
        " document = ?, trust = ?, password_name = ?, key_name = ?, proxy_name = ?"
        " WHERE id = ? AND revision = ?",
        (*_values(connection, stored.entry, names), stored.id, stored.revision),
    )
    _want_one(connection, done, stored)
    in_force = {each.pin for each in pins(connection, stored.id) if each.undone_at is None}
    _undo_pins(connection, stored.id, in_force - stored.account.pins, now)
    _add_pins(connection, stored.id, stored.account.pins - in_force)
    _drop_unused_trust(connection)
    return replace(stored, revision=stored.revision + 1, names=names)


def delete(connection: sqlite3.Connection, stored: StoredAccount) -> None:
    """Remove an account, its pins with their history, and its floors.

    Raises: StoreError when somebody has changed it meanwhile.
    """
    done = connection.execute(
        "DELETE FROM account WHERE id = ? AND revision = ?", (stored.id, stored.revision)
    )
    _want_one(connection, done, stored)
    _drop_unused_trust(connection)


def select(connection: sqlite3.Connection, identifier: int) -> StoredAccount:
    """Return one account.

    Raises: StoreError when there is none.
    """
    query = f"SELECT {_COLUMNS} FROM account WHERE id = ?"  # noqa: S608 - a constant
    is_possible = abs(identifier) < _IDS
    row = connection.execute(query, (identifier,)).fetchone() if is_possible else None
    if row is None:
        raise StoreError(f"account {identifier}", reason=StoreReason.NOT_FOUND)
    return _stored(row, _trusts(connection, {row[3]}), pins(connection, identifier))


def select_all(connection: sqlite3.Connection) -> tuple[StoredAccount, ...]:
    """Return all accounts, in their order."""
    records: dict[int, list[PinRecord]] = {}
    query = "SELECT account, document, undone_at FROM pin WHERE undone_at IS NULL ORDER BY id"
    for account, *row in connection.execute(query):
        records.setdefault(account, []).append(_record(account, *row))
    query = f"SELECT {_COLUMNS} FROM account ORDER BY position"  # noqa: S608 - a constant
    rows = connection.execute(query).fetchall()
    trusts = _trusts(connection, {row[3] for row in rows})
    return tuple(_stored(row, trusts, records.get(row[0], ())) for row in rows)


def identifiers(connection: sqlite3.Connection) -> tuple[int, ...]:
    """Return which accounts there are, in their order."""
    return tuple(row[0] for row in connection.execute("SELECT id FROM account ORDER BY position"))


def reorder(connection: sqlite3.Connection, order: Sequence[int]) -> None:
    """Put the accounts into this order.

    Raises: StoreError when they are not the ones that there are.
    """
    if sorted(order) != sorted(identifiers(connection)):
        raise StoreError("the accounts to be ordered", reason=StoreReason.CHANGED)
    rows = [(position, identifier) for position, identifier in enumerate(order, 1)]
    connection.executemany("UPDATE account SET position = ? WHERE id = ?", rows)


def pins(connection: sqlite3.Connection, identifier: int) -> tuple[PinRecord, ...]:
    """Return all pins that an account has and had, the oldest first."""
    query = "SELECT document, undone_at FROM pin WHERE account = ? ORDER BY id"
    return tuple(_record(identifier, *row) for row in connection.execute(query, (identifier,)))


def floor(connection: sqlite3.Connection, identifier: int, service: Service) -> Floor:
    """Return the best that connections had; that of none for those that were not seen yet."""
    query = "SELECT document FROM floor WHERE account = ? AND service = ?"
    row = connection.execute(query, (identifier, word(service))).fetchone()
    with _whole(identifier):
        return Floor() if row is None else Floor.from_dict(json.loads(row[0]), "floor")


def save_floor(
    connection: sqlite3.Connection, identifier: int, service: Service, best: Floor
) -> None:
    """Keep it instead of the one that was there.

    Raises: StoreError when the account is gone.
    """
    select(connection, identifier)
    connection.execute(
        "INSERT OR REPLACE INTO floor (account, service, document) VALUES (?, ?, ?)",
        (identifier, word(service), json.dumps(best.to_dict())),
    )


def _values(connection: sqlite3.Connection, entry: Entry, names: SecretNames) -> tuple[Any, ...]:
    document = {name: value for name, value in entry_table(entry).items() if name not in _BESIDE}
    trust = _trust_id(connection, entry.account.trust)
    return (json.dumps(document), trust, names.password, names.key, names.proxy)


def _trust_id(connection: sqlite3.Connection, trust: TrustStore) -> int | None:
    if trust.pem is None:
        return None
    label = trust.label.encode("utf-8", "replace").decode()
    digest = hashlib.sha256(label.encode() + b"\0" + trust.pem).hexdigest()
    connection.execute(
        "INSERT OR IGNORE INTO trust (digest, label, pem) VALUES (?, ?, ?)",
        (digest, label, trust.pem),
    )
    row = connection.execute("SELECT id FROM trust WHERE digest = ?", (digest,)).fetchone()
    identifier: int = row[0]
    return identifier


def _drop_unused_trust(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM trust WHERE NOT EXISTS (SELECT * FROM account WHERE account.trust = trust.id)"
    )


def _add_pins(connection: sqlite3.Connection, account: int, pins: Iterable[Pin]) -> None:
    rows = [(account, json.dumps(pin.to_dict())) for pin in sorted(pins, key=str)]
    connection.executemany("INSERT INTO pin (account, document) VALUES (?, ?)", rows)


def _undo_pins(
    connection: sqlite3.Connection, account: int, pins: Iterable[Pin], now: datetime
) -> None:
    connection.executemany(
        "UPDATE pin SET undone_at = ? WHERE account = ? AND document = ? AND undone_at IS NULL",
        [(now.isoformat(), account, json.dumps(pin.to_dict())) for pin in pins],
    )


def _want_one(connection: sqlite3.Connection, done: sqlite3.Cursor, stored: StoredAccount) -> None:
    if done.rowcount == 1:
        return
    is_there = stored.id in identifiers(connection)
    reason = StoreReason.CHANGED if is_there else StoreReason.NOT_FOUND
    raise StoreError(f"account {stored.id}", reason=reason)


def _trusts(
    connection: sqlite3.Connection, identifiers: set[int | None]
) -> dict[int | None, TrustStore]:
    found: dict[int | None, TrustStore] = {None: TrustStore.system()}
    for identifier in identifiers - {None}:
        query = "SELECT label, pem FROM trust WHERE id = ?"
        for label, pem in connection.execute(query, (identifier,)):
            with _whole(None):
                found[identifier] = replace(TrustStore.from_pem(pem), label=label)
    return found


def _stored(
    row: tuple[Any, ...],
    trusts: dict[int | None, TrustStore],
    records: Sequence[PinRecord],
) -> StoredAccount:
    identifier, revision, document, trust, password, key, proxy = row
    in_force = [each.pin for each in records if each.undone_at is None]
    with _whole(identifier):
        entry = entry_in(json.loads(document), "account", trust=trusts[trust], pins=in_force)
        _check_types(revision, password, key, proxy)
    names = SecretNames(password=password, key=key, proxy=proxy)
    return StoredAccount(id=identifier, revision=revision, entry=entry, names=names)


def _check_types(revision: object, *names: object) -> None:
    # A column of SQLite takes any type, whatever it was declared as.
    if type(revision) is not int or not all(name is None or type(name) is str for name in names):
        raise TypeError("its revision or the names of its secrets have another type")


def _record(account: int, document: str, undone_at: str | None) -> PinRecord:
    with _whole(account):
        undone = None if undone_at is None else datetime.fromisoformat(undone_at)
        return PinRecord(pin=pin_in(json.loads(document), "pin"), undone_at=undone)


@contextmanager
def _whole(account: int | None) -> Iterator[None]:
    """Raise a StoreError for what in a row was not written by us."""
    try:
        yield
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        where = "a set of authorities" if account is None else f"account {account}"
        raise StoreError(f"{where} ({exc})", reason=StoreReason.DAMAGED) from exc
