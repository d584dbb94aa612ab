"""The file of accounts that the command uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import typer

from securemail.account import Account
from securemail.credentials import Password
from securemail.errors import UsageError
from securemail.store import AccountStore, StoredAccount, StoreError, StoreReason
from securemail.store.file import mapped
from securemail.store.keyring import SystemKeyring


def store_path(given: Path | None) -> Path:
    """Return where the accounts are: where the option says, or where settings are kept here."""
    return given or Path(typer.get_app_dir("securemail")) / "accounts.db"


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[AccountStore]:
    """Open the store, made where it is not there, with the system's keyring if there is one.

    Raises: StoreError.
    """
    with mapped(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AccountStore(path, keyring=_keyring()) as store:
        yield store


def _keyring() -> SystemKeyring | None:
    try:
        return SystemKeyring()
    except UsageError:
        return None  # without the extra securemail[keyring]


async def all_accounts(path: Path) -> tuple[StoredAccount, ...]:
    """Return all accounts; a store that is not there has none, and is not made for that.

    Raises: StoreError.
    """
    with mapped(path):
        if not path.exists():  # noqa: ASYNC240 - nobody waits but the person who asked
            return ()
    async with opened(path) as store:
        return await store.list()


async def find_account(path: Path, text: str) -> StoredAccount:
    """Return the account with that number or address.

    Raises: StoreError; UsageError when there is none, or there are several.
    """
    return chosen(await all_accounts(path), text)


def chosen(accounts: Sequence[StoredAccount], text: str) -> StoredAccount:
    """Return the one with that number or address.

    Raises: UsageError when there is none, or there are several.
    """
    found = [
        each
        for each in accounts
        if text == str(each.id) or text.casefold() == each.account.address.casefold()
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{each.id} ({each.account.address})" for each in found or accounts)
    if found:
        raise UsageError(f"several are {text!r}: say which, {known}", field="ACCOUNT")
    there = f"there are {known}" if known else "`securemail account add` makes the first"
    raise UsageError(f"there is no {text!r}; {there}", field="ACCOUNT")


async def keep(path: Path, account: Account) -> tuple[StoredAccount, str]:
    """Keep a new account; return it, and why its secret is not kept with it, if it is not.

    Raises: StoreError, UsageError.
    """
    try:
        async with opened(path) as store:
            stored = await store.add(account)
    except StoreError as exc:
        if exc.reason is not StoreReason.KEYRING:
            raise
        async with AccountStore(path) as store:
            return await store.add(account), str(exc)
    has_secret = isinstance(account.credentials, Password) or account.client_certificate
    if tuple(stored.names) or not has_secret:
        return stored, ""
    return stored, "there is no keyring for it"
