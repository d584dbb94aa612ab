"""`make screenshots`: the command in front of the mail server of the tests, as pictures in docs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import keyring
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from securemail import Service, TLSMode
from securemail.cli.app import app
from securemail.setup.sources.well_known import PORTS
from tests.cli.conftest import InMemory, World, mail_world

_FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
_WIDTH = 94
_MESSAGE = "From: alice@example.org\nTo: bob@example.org, nobody@example.org\n\nHello.\n"
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Take them all."""
    keyring.set_keyring(InMemory())
    _FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as name, mail_world(Path(name)) as world:
        os.environ |= {
            "COLUMNS": str(_WIDTH),
            "FORCE_COLOR": "1",
            "SECUREMAIL_STORE": str(Path(name) / "accounts.db"),
            "SECUREMAIL_PASSWORD": "secret",
        }
        os.environ.pop("NO_COLOR", None)
        address = "alice@example.org"
        _take(world, "check", "check", address, options=world.options)
        _take(world, "discover", "discover", address, options=world.options)
        options = ("--username", "alice", *world.options)
        _take(world, "account", "account", "add", address, options=options)
        _take(world, "send", "send", options=world.dns, stdin=_MESSAGE)


def _take(
    world: World, name: str, *command: str, options: tuple[str, ...], stdin: str | None = None
) -> None:
    done = CliRunner().invoke(app, [*command, *options], input=stdin)
    # At a terminal the lines that say what is being done are gone when it is done.
    lines = (line for line in done.output.splitlines() if _is_left(line))
    shown = _usual_ports(world, "\n".join(lines))
    console = Console(record=True, width=_WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115 - open until the end
    said = f"$ securemail {' '.join(command)}{' < message.eml' if stdin else ''}"
    console.print(Text(said), Text.from_ansi(shown), sep="\n")
    picture = console.export_svg(title="securemail", unique_id=name)
    # Without fonts from the net: readers' own will do, and nobody is told who reads the page.
    (_FOLDER / f"{name}.svg").write_text(_FONTS.sub("", picture))


def _is_left(line: str) -> bool:
    plain = Text.from_ansi(line).plain
    return bool(plain.strip()) and not plain.endswith("…")


def _usual_ports(world: World, text: str) -> str:
    """Write the ports of RFC 8314 instead of those that the system chose, as wide as they were."""
    for service in Service:
        for tls in (TLSMode.IMPLICIT, TLSMode.STARTTLS):
            port = str(world.server.endpoint(tls, service).port)
            text = text.replace(f":{port}", f":{PORTS[service, tls]}".ljust(len(port) + 1))
    return text


if __name__ == "__main__":
    main()
