"""The command in front of a person, and as a process among others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from securemail import TLSMode
from securemail.cli.codes import Exit
from tests.cli.conftest import Run, World
from tests.cli.processes import COMMAND, at_terminal

Added = Callable[[str], None]
ADD = ("account", "add", "alice@example.org", "--username", "alice")


def environment() -> dict[str, str]:
    hidden = {"SECUREMAIL_PASSWORD", "NO_COLOR"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def test_a_password_is_asked_for_and_not_shown(run: Run, world: World) -> None:
    with at_terminal(*ADD, *world.options, **environment()) as person:
        person.read_until("Password of alice:")
        person.type("secret")
        rest = person.rest()
        assert person.exit_code() == Exit.OK, rest
    assert "secret" not in rest.replace("secrets", "")
    assert "alice@example.org" in rest


def test_ctrl_c_at_the_password_ends_it_without_a_traceback(run: Run, world: World) -> None:
    with at_terminal(*ADD, *world.options, **environment()) as person:
        person.read_until("Password of alice:")
        person.press(b"\x03")
        rest = person.rest()
        assert person.exit_code() == Exit.INTERRUPTED
    assert "Traceback" not in rest
    assert "Interrupted." in rest


def test_sigterm_at_the_password_leaves_a_terminal_that_shows_what_is_typed(
    run: Run, world: World
) -> None:
    with at_terminal(*ADD, *world.options, **environment()) as person:
        person.read_until("Password of alice:")
        assert not termios.tcgetattr(person.terminal)[3] & termios.ECHO
        person.popen.terminate()
        person.read_until("Interrupted.")
        assert person.exit_code() == -signal.SIGTERM
        assert termios.tcgetattr(person.terminal)[3] & termios.ECHO


def test_a_pin_wants_a_persons_own_words(run: Run, world: World) -> None:
    imap = world.server.endpoint(TLSMode.IMPLICIT)
    where = ("--imap", f"{imap.addresses[0]}:{imap.port}", "--tls", "implicit")
    pin = ("account", "pin", "alice@example.org", *where)
    with at_terminal(*pin, **environment()) as person:
        seen = person.read_until("empty is no):")
        person.type("")
        assert person.exit_code() == Exit.USAGE
    assert "Nobody vouches for" in seen
    assert "SHA-256" in seen


def test_a_message_is_read_from_a_pipe_while_the_password_is_typed(
    run: Run, world: World, added: Added, tmp_path: Path
) -> None:
    added("bob")
    (tmp_path / "m").write_text("From: bob@example.org\nTo: alice@example.org\n\nHello.\n")
    program = f"{' '.join(COMMAND)} send {' '.join(world.dns)} < {tmp_path / 'm'}"
    with at_terminal("-c", program, command=("sh",), **environment()) as person:
        person.read_until("Password of bob:")
        person.type("secret")
        rest = person.rest()
        assert person.exit_code() == Exit.OK, rest


def test_a_result_that_nobody_reads_to_its_end_is_no_error(world: World) -> None:
    program = f"{' '.join(COMMAND)} discover alice@example.org {' '.join(world.options)} | true"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program}"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode in (0, 141)


def test_a_terminal_without_the_signs_gets_others(world: World) -> None:
    done = subprocess.run(
        [*COMMAND, "discover", "alice@example.org", *world.options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == Exit.OK
    assert done.stderr == ""


@pytest.mark.parametrize("missing", ["rich", "typer"])
def test_without_its_extra_it_says_what_to_install(tmp_path: Path, missing: str) -> None:
    (tmp_path / f"{missing}.py").write_text(
        f"raise ModuleNotFoundError('No module named {missing}', name={missing!r})"
    )
    done = subprocess.run(
        [sys.executable, "-m", "securemail", "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == Exit.USAGE
    assert done.stderr == f"{missing} is missing: install the extra securemail[cli]\n"
    assert done.stdout == ""


def help_pages() -> list[list[str]]:
    accounts = ("add", "list", "show", "remove", "test", "upgrade", "pin", "unpin", "export")
    plain = ("check", "discover", "explain", "send", "fetch", "watch", "demo")
    return [[], ["account"], *([each] for each in plain), *(["account", each] for each in accounts)]


@pytest.mark.parametrize("command", help_pages(), ids=" ".join)
def test_each_help_fits_80_columns_and_says_all_of_each_command(
    run: Run, command: list[str]
) -> None:
    done = run(*command, "--help", COLUMNS="80")
    assert done.exit_code == 0
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "..." not in done.stdout.replace("[ARGS]...", "")


def test_every_command_and_every_exit_code_is_in_the_document() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command.md").read_text()
    leaves = [command for command in help_pages() if command and command != ["account"]]
    names = [
        command[-1] if command[0] == "account" else f"securemail {command[0]}" for command in leaves
    ]
    assert [name for name in names if name not in page] == []
    assert [code for code in Exit if f"| {code.value} |" not in page] == []
