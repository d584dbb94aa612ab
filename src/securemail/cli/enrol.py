"""From an address or named servers to an account that is kept: what `add` and `pin` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from securemail.account import Account, Service, TLSMode
from securemail.cli import options
from securemail.cli.account_views import account_data, accounts_view
from securemail.cli.asking import account_of, password_for, token_for
from securemail.cli.check import find
from securemail.cli.console import Terminal
from securemail.cli.key_files import KEY
from securemail.cli.storing import all_accounts, keep
from securemail.cli.surroundings import Surroundings
from securemail.cli.target import servers_of
from securemail.credentials import Credentials
from securemail.discovery.endpoints import with_endpoint
from securemail.errors import UsageError
from securemail.trust import TrustStore

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]
IMAP = Annotated[
    str | None, typer.Option(metavar="HOST[:PORT]", help="The IMAP server, instead of looking.")
]
POP3 = Annotated[str | None, typer.Option(metavar="HOST[:PORT]", help="The POP3 server, likewise.")]
Submission = Annotated[
    str | None, typer.Option(metavar="HOST[:PORT]", help="The submission server, likewise.")
]
OAuth = Annotated[
    bool, typer.Option("--oauth", help="Log in with an access token, from SECUREMAIL_TOKEN.")
]

_SERVICES: Final = (
    (Service.IMAP, "--imap"),
    (Service.POP3, "--pop3"),
    (Service.SUBMISSION, "--submission"),
)


def manual(
    terminal: Terminal,
    address: str,
    servers: tuple[str | None, str | None, str | None],
    tls: options.ModeName | None,
    trust: TrustStore,
) -> Account | None:
    """Return the account at the servers that were named, None if there were none."""
    if not any(servers):
        return None
    with terminal.failing():
        account = Account(address, trust=trust)
        for (service, option), text in zip(_SERVICES, servers, strict=True):
            if text is not None:
                # Implicit TLS is the first, where neither port nor option says otherwise.
                mode = options.MODES.get(tls) or _mode(text)
                server = servers_of(text, service, mode, field=option)[0]
                account = with_endpoint(account, service, server.endpoint)
        return account


def _mode(text: str) -> TLSMode | None:
    return None if text.rpartition(":")[2].isdecimal() else TLSMode.IMPLICIT


def discovered(
    terminal: Terminal, address: str, around: Surroundings, confirm: list[str]
) -> Account:
    """Return the account that the address's domain advertises."""
    plan = terminal.run(f"looking for the servers of {address}", find(address, around))
    return account_of(terminal, plan, confirm)


def with_login(terminal: Terminal, account: Account, username: str, *, is_oauth: bool) -> Account:
    """Return the account with what it logs in with: a token, or a password."""
    ask: Callable[[Terminal, str], Credentials] = token_for if is_oauth else password_for
    return replace(account, credentials=ask(terminal, username))


def keep_account(terminal: Terminal, path: Path, account: Account) -> None:
    """Keep the account, and show it; say so where its secret is not kept with it."""
    stored, why = terminal.run("keeping the account", keep(path, account))
    terminal.show(accounts_view([stored]), account_data(stored))
    if why and account.credentials is not None:
        terminal.say(f"Its password is not kept, and will be asked for: {why}.")
    if why and account.client_certificate is not None:
        terminal.say(f"The key is not kept; {KEY} is to name its file each time: {why}.")


async def check_new(path: Path, address: str) -> None:
    """Make sure that the address is not there yet.

    Raises: UsageError; StoreError.
    """
    for each in await all_accounts(path):
        if each.account.address.casefold() == address.casefold():
            raise UsageError(f"{address} is there already, number {each.id}", field="ADDRESS")
