"""The commands together."""

from __future__ import annotations

from typing import Annotated

import typer

from securemail._version import __version__
from securemail.cli import accounts, fetching, looking, sending
from securemail.cli.console import Terminal
from securemail.cli.exits import EXIT_CODES, Exit

app = typer.Typer(
    name="securemail",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
app.command()(looking.check)
app.command()(looking.discover)
app.command()(looking.explain)
app.add_typer(accounts.app)
app.command()(sending.send)
app.command()(fetching.fetch)


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


@app.command()
def demo() -> None:
    """Run the whole way on this computer: discovery, mail sent and read, an attack refused."""
    try:
        from securemail.demo import main  # noqa: PLC0415 - it needs an extra of its own
    except ModuleNotFoundError as exc:
        Terminal().say(f"{exc.name} is missing: pip install 'securemail[testing]'")
        raise typer.Exit(Exit.USAGE) from None
    main()
