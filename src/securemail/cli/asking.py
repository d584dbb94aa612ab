"""Questions to the person at the terminal, and secrets from where they may come from.

A secret is read from a prompt, the environment or the keyring, and never from an argument, which
every user of the computer could read.
"""

from __future__ import annotations

import getpass
import os
from typing import Final

import typer
from rich.text import Text

from securemail.account import Account
from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.credentials import OAuthToken, Password
from securemail.discovery.plan import Plan
from securemail.errors import ConfirmationRequired, SecureMailError, UsageError
from securemail.secret import Secret

PASSWORD: Final = "SECUREMAIL_PASSWORD"  # noqa: S105 - no password, but the name of a variable
TOKEN: Final = "SECUREMAIL_TOKEN"  # noqa: S105 - likewise


def password_for(terminal: Terminal, username: str) -> Password:
    """Return what `username` logs in with: from the environment, or from the person.

    Raises: typer.Exit when there is neither.
    """
    given = secret_for(terminal, PASSWORD, f"Password of {username}: ")
    with terminal.failing():
        return Password(username, given)


def secret_for(terminal: Terminal, variable: str, prompt: str) -> Secret:
    """Return a secret from the environment, or from the person.

    Raises: typer.Exit when there is neither.
    """
    if given := os.environ.get(variable):
        return Secret(given)
    if not has_person():
        terminal.fail(UsageError(f"set {variable}: nobody can be asked", field="password"))
    return Secret(_typed(terminal, prompt))


def token_for(terminal: Terminal, username: str) -> OAuthToken:
    """Return an access token of `username` from the environment.

    Raises: typer.Exit when there is none.
    """
    token = os.environ.get(TOKEN)
    if not token:
        terminal.fail(UsageError(f"put an access token into {TOKEN}", field="token"))

    async def fetch() -> str:
        return token

    with terminal.failing():
        return OAuthToken(username, fetch)


def has_person() -> bool:
    """Whether somebody can type a secret, even if standard input is a message or a pipe."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _typed(terminal: Terminal, prompt: str) -> str:
    # getpass asks the terminal itself, shows nothing of it, and leaves standard input alone.
    try:
        return getpass.getpass(prompt)
    except (KeyboardInterrupt, EOFError):
        terminal.say("\nInterrupted.")
        raise typer.Exit(Exit.INTERRUPTED) from None


def confirmed(terminal: Terminal, question: str) -> bool:
    """Return whether the person says yes; nobody there is no.

    Raises: typer.Exit when they interrupt.
    """
    return terminal.is_interactive and typed(terminal, f"{question} [y/N] ").lower() in ("y", "yes")


def typed(terminal: Terminal, question: str) -> str:
    """Return what the person types, without blanks around it; nothing where nobody is there.

    Raises: typer.Exit when they interrupt.
    """
    if not terminal.is_interactive:
        return ""
    terminal.remark(Text(question, end=""))
    try:
        return input().strip()
    except (KeyboardInterrupt, EOFError):
        terminal.say("\nInterrupted.")
        raise typer.Exit(Exit.INTERRUPTED) from None


def account_of(terminal: Terminal, plan: Plan, confirmed_hosts: list[str]) -> Account:
    """Return the account of the plan, asking the person about hosts that nothing signed names.

    Raises: typer.Exit when they do not confirm.
    """
    while True:
        try:
            with terminal.warnings_in_words():
                return plan.account(confirm=confirmed_hosts)
        except ConfirmationRequired as exc:
            confirmed_hosts = [*confirmed_hosts, *confirm_hosts(terminal, exc, plan.address)]
        except SecureMailError as exc:
            terminal.fail(exc)


def confirm_hosts(terminal: Terminal, required: ConfirmationRequired, address: str) -> list[str]:
    """Return the hosts, once the person has accepted them all.

    Raises: typer.Exit when they do not.
    """
    if not terminal.is_interactive:
        terminal.say("Add --confirm HOST for each host that is right.")
        terminal.fail(required)
    for host in required.hosts:
        if not confirmed(terminal, f"Is the mail of {address} at {host}?"):
            terminal.fail(required)
    return list(required.hosts)
