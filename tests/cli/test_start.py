"""How the command starts: quickly, since a command is loaded when it is called."""

from __future__ import annotations

import subprocess
import sys

import pytest

from securemail.cli.app import AccountCommands, Commands
from securemail.cli.codes import Exit
from tests.cli.conftest import Run

COMMANDS = [
    *([name] for name in Commands.homes),
    *(["account", name] for name in AccountCommands.homes),
]
# What a list of commands does not need, and what keeping accounts does not.
SESSIONS = {"OpenSSL", "dns", "scramp", "securemail.session", "securemail.setup"}
WORK = SESSIONS | {"asyncio", "cryptography", "sqlite3", "securemail.errors"}


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that the command has loaded when it ends."""
    code = (
        "import sys; from securemail.cli import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], [], ["account", "--help"], ["acount"]]
)
def test_the_list_of_commands_loads_none_of_them(arguments: list[str]) -> None:
    assert loaded_by(*arguments).isdisjoint(WORK)


@pytest.mark.parametrize("command", ["list", "show", "remove", "export"])
def test_what_is_kept_here_is_shown_without_what_speaks_to_servers(command: str) -> None:
    loaded = loaded_by("account", command, "--help")
    assert "securemail.store" in loaded
    assert loaded.isdisjoint(SESSIONS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_list_says_of_a_command_what_its_help_explains(run: Run, command: list[str]) -> None:
    listed = run(*command[:-1], "--help").stdout
    explained = run(*command, "--help")
    assert explained.exit_code == Exit.OK
    assert f"  {command[-1]} " in listed
    assert f"securemail {' '.join(command)}" in explained.stdout


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(run: Run) -> None:
    done = run("account", "lst")
    assert done.exit_code == Exit.USAGE
    assert "'list'" in done.stderr
