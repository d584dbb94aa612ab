"""`securemail demo`: the demo of the library, for those who have only the command."""

from __future__ import annotations

import typer

from securemail.cli.codes import Exit
from securemail.cli.console import Terminal


def demo() -> None:
    """Run the whole way on this computer: discovery, mail sent and read, an attack refused.

    It needs the extra `securemail[testing]`, no network and no account.
    """
    try:
        from securemail.demo import main  # noqa: PLC0415 - it may be that its extra is missing
    except ModuleNotFoundError as exc:
        Terminal().say(f"{exc.name} is missing: install the extra securemail[testing]")
        raise typer.Exit(Exit.USAGE) from None

    main([])
