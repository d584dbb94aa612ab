"""`account list`, `show`, `remove` and `export`: what is kept on this computer."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from securemail.cli import options
from securemail.cli.account_views import account_data, account_view, accounts_view
from securemail.cli.asking import confirmed
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.local import local
from securemail.cli.storing import all_accounts, find_account, opened, store_path
from securemail.errors import UsageError
from securemail.store import Format, PinRecord, StoredAccount


class FormatName(StrEnum):
    """How accounts are written, as one writes it."""

    json = "json"
    toml = "toml"


_FORMATS: Final = {FormatName.json: Format.JSON, FormatName.toml: Format.TOML}


def list_(store: options.Store = None, json: options.AsJSON = False) -> None:
    """List the accounts with their servers, how they log in, and what they insist on."""
    terminal = Terminal(is_json=json)
    found = terminal.run("reading the accounts", all_accounts(store_path(store)))
    if found or json:
        terminal.show(accounts_view(found), [account_data(each) for each in found])
    if not found:
        terminal.say("No accounts yet: `securemail account add ADDRESS` makes the first.")


def show(which: options.Which, store: options.Store = None, json: options.AsJSON = False) -> None:
    """Show an account, with the pins that it has and had."""
    terminal = Terminal(is_json=json)
    stored, pins = terminal.run("reading the account", _with_pins(store_path(store), which))
    terminal.show(account_view(stored, pins), account_data(stored, pins))


async def _with_pins(path: Path, which: str) -> tuple[StoredAccount, tuple[PinRecord, ...]]:
    stored = await find_account(path, which)
    async with opened(path) as store:
        return stored, await store.pins(stored)


def remove(
    which: options.Which,
    yes: options.Yes = False,
    store: options.Store = None,
    json: options.AsJSON = False,
) -> None:
    """Forget an account here, with its pins and its password; its mail stays at the provider."""
    terminal = Terminal(is_json=json)
    path = store_path(store)
    stored = terminal.run("reading the accounts", find_account(path, which))
    address = stored.account.address
    if not yes and not confirmed(terminal, f"Forget {address}, and its password?"):
        terminal.say("Nothing was changed; --yes forgets it without a question.")
        raise typer.Exit(Exit.USAGE)
    terminal.run("removing the account", _remove(path, stored))
    terminal.show(f"{address} is forgotten.", {"removed": address})


async def _remove(path: Path, stored: StoredAccount) -> None:
    async with opened(path) as store:
        await store.remove(stored)


def export(
    file: Annotated[
        Path | None,
        typer.Argument(readable=False, metavar="FILE", help="Default: standard output."),
    ] = None,
    form: Annotated[FormatName, typer.Option("--format", help="How.")] = FormatName.json,
    store: options.Store = None,
) -> None:
    """Write all accounts as JSON or TOML, with their pins and without any secret.

    `securemail account add --from FILE` reads it again. A file that is there is not overwritten.
    """
    terminal = Terminal()
    text = terminal.run("reading the accounts", _exported(store_path(store), _FORMATS[form]))
    if file is None or str(file) == "-":
        terminal.write(text)
        return
    with terminal.failing(), local(file):
        _write_new(file, text)
    terminal.say(f"Written to {file}.")


async def _exported(path: Path, form: Format) -> str:
    if not await all_accounts(path):
        raise UsageError(f"there are no accounts in {path}", field="--store")
    async with opened(path) as store:
        return await store.export_accounts(form)


def _write_new(file: Path, text: str) -> None:
    # It says where passwords go: nobody else's to change, nor to read.
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError:
        # Half of it on a full disk would be in the way of the next try.
        file.unlink()
        raise
