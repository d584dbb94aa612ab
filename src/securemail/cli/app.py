"""The commands together."""

from __future__ import annotations

from typing import Annotated

import typer

from securemail._version import __version__
from securemail.cli import accounts, fetching, looking, sending, watching
from securemail.cli.console import Terminal
from securemail.cli.exits import EXIT_CODES, Exit

app = typer.Typer(
    name="securemail",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
app.command(short_help="Tell whether the mail of an address is private.")(looking.check)
app.command(short_help="Show where the mail of an address is.")(looking.discover)
app.command(short_help="Show all that one server proves.")(looking.explain)
app.add_typer(accounts.app, short_help="Keep accounts on this computer.")
app.command(short_help="Submit a message; see what each recipient gets.")(sending.send)
app.command(short_help="Fetch mail into a Maildir or an mbox.")(fetching.fetch)
app.command("watch", short_help="Tell what happens in a mailbox.")(watching.watch_)


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


@app.command(short_help="Run the whole way on this computer.")
def demo() -> None:
    """Run the whole way on this computer: discovery, mail sent and read, an attack refused.

    It needs `pip install 'securemail[testing]'`, no network and no account.
    """
    try:
        import trustme  # noqa: F401, PLC0415 - only to see whether it is there
    except ModuleNotFoundError:
        Terminal().say("trustme is missing: pip install 'securemail[testing]'")
        raise typer.Exit(Exit.USAGE) from None
    from securemail.demo import main  # noqa: PLC0415 - it needs that

    main()
