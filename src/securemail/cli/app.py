"""The commands together: what there is, and where it is."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from securemail._version import __version__
from securemail.cli.codes import EXIT_CODES
from securemail.cli.deferred import Deferred, Home


class Commands(Deferred):
    """`securemail …`."""

    homes: ClassVar = {
        "check": Home("looking", "check", "Tell whether the mail of an address is private."),
        "discover": Home("looking", "discover", "Show where the mail of an address is."),
        "explain": Home("looking", "explain", "Show all that one server proves."),
        "account": Home("app", "account", "Keep accounts on this computer."),
        "send": Home("sending", "send", "Submit a message; see what each recipient gets."),
        "fetch": Home("fetching", "fetch", "Fetch mail into a Maildir or an mbox."),
        "watch": Home("watching", "watch_", "Tell what happens in a mailbox."),
        "demo": Home("demonstration", "demo", "Run the whole way on this computer."),
    }


class AccountCommands(Deferred):
    """`securemail account …`."""

    homes: ClassVar = {
        "add": Home("account_setup", "add", "Find the servers, log in, keep the account."),
        "list": Home("accounts", "list_", "List the accounts."),
        "show": Home("accounts", "show", "Show an account, and its pins."),
        "remove": Home("accounts", "remove", "Forget an account, and its password."),
        "test": Home("account_changes", "try_out", "Log in to all servers of an account."),
        "upgrade": Home("account_changes", "upgrade", "Take what is better advertised now."),
        "pin": Home("account_pins", "pin", "Add an account by accepting a certificate."),
        "unpin": Home("account_pins", "unpin", "Undo the pins of an account."),
        "export": Home("accounts", "export", "Write all accounts as JSON or TOML."),
    }


app = typer.Typer(
    name="securemail",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
account = typer.Typer(
    name="account",
    cls=AccountCommands,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Keep accounts on this computer: servers, policies and pins in a file, passwords in "
    "the keyring.",
    epilog=EXIT_CODES,
)


@account.callback()
def _account() -> None:
    pass


def _version(value: bool) -> None:
    if value:
        typer.echo(f"securemail {__version__}")
        raise typer.Exit


@app.callback()
def securemail(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Tell whether mail is private between here and its servers (RFC 8314), and use it so."""
