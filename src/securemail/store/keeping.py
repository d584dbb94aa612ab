"""Accounts to the file and their secrets to the keyring, so that each is there or neither.

Blocks: it runs in the store's thread, from its beginning to its end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from securemail.account import Account, Service
from securemail.store import rows
from securemail.store.document import entry_in, entry_table
from securemail.store.entry import Entry, secrets_of
from securemail.store.floor import Fall, Floor
from securemail.store.keyring import Keyring, forget, saved
from securemail.store.stored import SecretNames, StoredAccount
from securemail.store.transaction import transaction


def add(connection: sqlite3.Connection, keyring: Keyring | None, account: Account) -> StoredAccount:
    """Keep a new account."""
    entry = _readable(Entry.of(account))
    with saved(keyring, account.address, secrets_of(account)) as names, transaction(connection):
        return rows.insert(connection, entry, names)


def add_all(connection: sqlite3.Connection, entries: Sequence[Entry]) -> tuple[StoredAccount, ...]:
    """Keep all of them, or none; there are no secrets with them."""
    with transaction(connection):
        return tuple(rows.insert(connection, entry, SecretNames()) for entry in entries)


def change(
    connection: sqlite3.Connection,
    keyring: Keyring | None,
    stored: StoredAccount,
    account: Account,
    now: datetime,
) -> StoredAccount:
    """Keep `account` in place of `stored`; what it lacks to log in stays as it is."""
    new, old = Entry.of(account), stored.entry
    # The password for one proxy is not another's business.
    is_same_proxy = new.account.proxy == old.account.proxy and not new.proxy_username
    entry = _readable(
        replace(
            new,
            login=new.login or old.login,
            certificate=new.certificate or old.certificate,
            proxy_username=old.proxy_username if is_same_proxy else new.proxy_username,
        )
    )
    secrets = secrets_of(account)
    with saved(keyring, account.address, secrets) as fresh:
        names = SecretNames(
            password=fresh.password if new.login else stored.names.password,
            key=fresh.key if new.certificate else stored.names.key,
            proxy=stored.names.proxy if is_same_proxy else fresh.proxy,
        )
        with transaction(connection):
            changed = rows.update(connection, replace(stored, entry=entry), names, now)
    forget(keyring, _without(stored.names, names))
    return changed


def log_out(
    connection: sqlite3.Connection, keyring: Keyring | None, stored: StoredAccount, now: datetime
) -> StoredAccount:
    """Keep the account without anything to log in with; the way to its servers stays."""
    entry = replace(stored.entry, login=None, certificate=b"")
    names = SecretNames(proxy=stored.names.proxy)
    with transaction(connection):
        changed = rows.update(connection, replace(stored, entry=entry), names, now)
    forget(keyring, _without(stored.names, names))
    return changed


def remove(connection: sqlite3.Connection, keyring: Keyring | None, stored: StoredAccount) -> None:
    """Forget the account, and then its secrets."""
    with transaction(connection):
        rows.delete(connection, stored)
    forget(keyring, stored.names)


def remember(
    connection: sqlite3.Connection, identifier: int, service: Service, seen: Floor
) -> tuple[Fall, ...]:
    """Raise the floor by what was seen, and return what fell below it."""
    before = rows.floor(connection, identifier, service)
    best = before.raised_by(seen)
    if best != before:
        with transaction(connection):
            # Read again: another process may have raised it meanwhile.
            best = rows.floor(connection, identifier, service).raised_by(seen)
            rows.save_floor(connection, identifier, service, best)
    return best.falls(seen)


def reset_floor(connection: sqlite3.Connection, identifier: int, service: Service) -> None:
    """Begin anew with the next connection."""
    with transaction(connection):
        rows.save_floor(connection, identifier, service, Floor())


def reorder(connection: sqlite3.Connection, order: Sequence[int]) -> None:
    """Put the accounts into this order."""
    with transaction(connection):
        rows.reorder(connection, order)


def _readable(entry: Entry) -> Entry:
    """Return `entry` if it can be read again: what is kept must not be lost to its own limits."""
    entry_in(entry_table(entry), "account")
    return entry


def _without(names: SecretNames, kept: SecretNames) -> SecretNames:
    return SecretNames(
        password=names.password if names.password != kept.password else None,
        key=names.key if names.key != kept.key else None,
        proxy=names.proxy if names.proxy != kept.proxy else None,
    )
