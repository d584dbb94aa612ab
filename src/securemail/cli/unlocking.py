"""An account of the file with its secrets: from the environment, the keyring, or the person."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from securemail.account import Account
from securemail.cli.asking import PASSWORD, password_for, token_for
from securemail.cli.console import Terminal
from securemail.cli.key_files import KEY, certificate_of
from securemail.cli.storing import opened
from securemail.credentials import Credentials, Password
from securemail.errors import UsageError
from securemail.store import LoginKind, StoredAccount
from securemail.store.stored import SecretNames


def with_secrets(terminal: Terminal, path: Path, stored: StoredAccount) -> Account:
    """Return the account as it can log in.

    Raises: typer.Exit.
    """
    names = stored.names
    if os.environ.get(PASSWORD):
        names = replace(names, password=None)
    kept = stored.account
    if tuple(names):
        kept = terminal.run("waiting for the keyring", _unlocked(path, stored, names))
    account = replace(kept, credentials=kept.credentials or _credentials(terminal, stored))
    if not stored.entry.certificate or account.client_certificate is not None:
        return account
    file = os.environ.get(KEY)
    if not file:
        terminal.fail(
            UsageError(f"put the file of the certificate's key into {KEY}", field="certificate")
        )
    certificate = certificate_of(terminal, stored.entry.certificate, Path(file))
    return replace(account, client_certificate=certificate)


async def _unlocked(path: Path, stored: StoredAccount, names: SecretNames) -> Account:
    """Return the account with those of its secrets that the keyring is asked for.

    Raises: StoreError.
    """
    entry = stored.entry
    if names.password is None:
        entry = replace(entry, login=None)
    if names.key is None:
        entry = replace(entry, certificate=b"")
    async with opened(path) as store:
        return await store.unlock(replace(stored, entry=entry, names=names))


def _credentials(terminal: Terminal, stored: StoredAccount) -> Credentials | None:
    login = stored.login
    if login is None:
        return None
    if login.kind is LoginKind.OAUTH:
        return token_for(terminal, login.username)
    given = password_for(terminal, login.username)
    return Password(login.username, given.password, mechanisms=login.mechanisms)
