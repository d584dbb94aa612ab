"""Accounts on disk, for an event loop (RFC 8314 section 5)."""

from __future__ import annotations

import asyncio
import sqlite3
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from securemail import limits
from securemail.account import Account, Service
from securemail.errors import ConfidentialityWarning, UsageError
from securemail.pin import Pin
from securemail.policy.confidentiality import Confidentiality
from securemail.store import keeping, rows
from securemail.store.entry import Fetch
from securemail.store.exchange import Format, read, write
from securemail.store.file import connect, mapped
from securemail.store.floor import Fall, Floor
from securemail.store.keyring import Keyring, load
from securemail.store.stored import PinRecord, StoredAccount
from securemail.store.thread import Thread
from securemail.store.transaction import snapshot

ResultT = TypeVar("ResultT")


class AccountStore:
    """The accounts in a file, which is made if it is not there; for its owner alone (mode 0600).

        async with AccountStore(path, keyring=SystemKeyring()) as store:
            stored = await store.add(account)
            account = await store.unlock(stored)

    Passwords and the keys of client certificates are never in the file: they are in `keyring`, or
    with the program where there is none. An access token is asked for with `fetch` each time.

    SQLite runs in a thread of its own, in the order of the calls; each change is there whole or not
    at all, whatever is cancelled or killed. Other processes may use the file at the same time: they
    are waited for, at most `busy_s` seconds.

    Raises: every method StoreError, whose `reason` says what is wrong and that nothing was changed;
    UsageError when the store is not open.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        keyring: Keyring | None = None,
        busy_s: float = limits.STORE_BUSY_S,
    ) -> None:
        if "\0" in str(path):
            raise UsageError("that is not the path of a file", field="AccountStore.path")
        # Absolute: a program may change its directory, and SQLite has names that are no files.
        self._path = Path(path).absolute()
        self._keyring = keyring
        self._busy_s = busy_s
        self._thread: Thread | None = None
        self._connection: sqlite3.Connection | None = None

    # --- open and close

    async def open(self) -> None:
        """Open the file, bring it to today's version, and check that it is whole."""
        if self._thread is not None:
            raise UsageError("it is open already", field="AccountStore.open")
        self._thread = Thread()
        try:
            await self._thread.run(self._connect)
        except BaseException:
            await self.aclose()
            raise

    def _connect(self) -> None:
        self._connection = connect(self._path, self._busy_s)

    async def aclose(self) -> None:
        """Close the file, after what was called before."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await thread.stop(self._disconnect)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    # --- accounts

    async def add(self, account: Account) -> StoredAccount:
        """Keep a new account, behind all others; its secrets go to the keyring.

        Raises: UsageError for what could not be read again, such as 100 pins.
        """
        return await self._run(lambda db: keeping.add(db, self._keyring, account))

    async def ids(self) -> tuple[int, ...]:
        """Return the ids of all accounts, in their order. An id is never used again."""
        return await self._read(rows.identifiers)

    async def list(self) -> tuple[StoredAccount, ...]:
        """Return all accounts, in their order."""
        return await self._read(rows.select_all)

    async def get(self, identifier: int) -> StoredAccount:
        """Return one account as it is now."""
        return await self._read(lambda db: rows.select(db, identifier))

    async def replace(self, stored: StoredAccount, account: Account) -> StoredAccount:
        """Keep `account` in place of `stored`: what `Changes.accept()` or `with_offers()` returns.

        Credentials and a client certificate that it lacks stay as they are; `log_out()` takes them
        away. A pin that it lacks counts as undone from now on.

        Raises: StoreError (CHANGED) when somebody else was quicker.
        """
        now = datetime.now(UTC)
        return await self._run(lambda db: keeping.change(db, self._keyring, stored, account, now))

    async def log_out(self, stored: StoredAccount) -> StoredAccount:
        """Forget the account's credentials and client certificate; it stays otherwise."""
        now = datetime.now(UTC)
        return await self._run(lambda db: keeping.log_out(db, self._keyring, stored, now))

    async def remove(self, stored: StoredAccount) -> None:
        """Forget the account, with its pins, their history, its floors and its secrets."""
        await self._run(lambda db: keeping.remove(db, self._keyring, stored))

    async def reorder(self, ids: Iterable[int]) -> None:
        """Put the accounts into this order; all of them must be named.

        Raises: StoreError (CHANGED) when accounts were added or removed meanwhile.
        """
        order = tuple(ids)
        await self._run(lambda db: keeping.reorder(db, order))

    async def unlock(self, stored: StoredAccount, *, fetch: Fetch | None = None) -> Account:
        """Return the account with its secrets, fit for `connect_*`.

        `fetch` is for an account that logs in with access tokens.

        Raises: StoreError (KEYRING) when the keyring lacks them; UsageError without `fetch`.
        """
        # Not in the store's thread: a keyring may ask a person, and the others must not wait.
        secrets = await asyncio.to_thread(load, self._keyring, stored.names)
        return stored.entry.with_secrets(secrets, fetch)

    # --- pins

    async def pins(self, stored: StoredAccount) -> tuple[PinRecord, ...]:
        """Return all pins that the account has and had, the oldest first (RFC 8314 section 5.4)."""
        return await self._read(lambda db: rows.pins(db, stored.id))

    async def undo_pin(self, stored: StoredAccount, pin: Pin) -> StoredAccount:
        """Undo a pin: the next connection does without it, and `pins()` says when that was.

        Raises: UsageError when the account does not have it.
        """
        return await self.replace(stored, stored.account.without_pin(pin))

    # --- what connections once had

    async def remember(
        self, stored: StoredAccount, service: Service, seen: Confidentiality
    ) -> tuple[Fall, ...]:
        """Keep the best that connections had, and return what this one has less of: in words.

        Nothing is stopped: to insist on it, put it into the account's policy.
        """
        floor = Floor.of(seen)
        return await self._run(lambda db: keeping.remember(db, stored.id, service, floor))

    async def floor(self, stored: StoredAccount, service: Service) -> Floor:
        """Return the best that connections to `service` had so far."""
        return await self._read(lambda db: rows.floor(db, stored.id, service))

    async def forget_floor(self, stored: StoredAccount, service: Service) -> None:
        """Begin anew with the next connection, once a person knows what got worse, and why."""
        await self._run(lambda db: keeping.reset_floor(db, stored.id, service))

    # --- import and export

    async def export_accounts(self, form: Format = Format.JSON) -> str:
        """Return all accounts, with their pins and without secrets, as JSON or TOML.

        Raises: UsageError for TOML without the extra `securemail[toml]`.
        """
        return await self._read(
            lambda db: write((stored.entry for stored in rows.select_all(db)), form)
        )

    async def import_accounts(
        self,
        text: str,
        form: Format = Format.JSON,
        *,
        with_pins: bool = False,
        with_trust: bool = False,
    ) -> tuple[StoredAccount, ...]:
        """Add all accounts that `export_accounts()` has written, or none.

        Whoever wrote the text says where the passwords go: read your own only. Pins in it are taken
        over only `with_pins`; authorities, addresses, the domain of somebody else's certificate,
        a proxy, and that revocation is not asked for, only `with_trust`. An account without a
        minimum warns (ConfidentialityWarning).

        Raises: UsageError that names the place, for what is not exactly as it should be.
        """
        entries = await self._run(
            lambda _db: read(text, form, with_pins=with_pins, with_trust=with_trust)
        )
        for entry in entries:
            if not entry.account.policy.has_minimum:
                warnings.warn(
                    f"{entry.account.address} has no minimum confidentiality: neither its "
                    "passwords nor its messages are private",
                    ConfidentialityWarning,
                    stacklevel=2,
                )
        return await self._run(lambda db: keeping.add_all(db, entries))

    async def _read(self, function: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        def read_at_once(db: sqlite3.Connection) -> ResultT:
            with snapshot(db):
                return function(db)

        return await self._run(read_at_once)

    async def _run(self, function: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        if self._thread is None:
            raise UsageError("it is not open", field="AccountStore")
        return await self._thread.run(lambda: self._call(function))

    def _call(self, function: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        if self._connection is None:
            raise UsageError("it is not open", field="AccountStore")
        with mapped(self._path):
            return function(self._connection)
