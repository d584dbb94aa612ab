"""What comes out where it cannot be written, and what never comes out on a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from securemail.cli.codes import Exit
from securemail.cli.console import Terminal
from securemail.cli.harmless import harmless, harmless_json
from tests.cli.conftest import Run
from tests.cli.processes import COMMAND

# Clear the screen; the same in one character; a bell; words turned round; a hidden one; a new line.
HOSTILE = "a\x1b[2J\x9b2J\x07\u202eb\u200b\u2028\r\x7fc"


def shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = f'exec "$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", program, "bash", *COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def table_of(text: str) -> Table:
    table = Table()
    table.add_column(Text(text))
    table.add_row(Text(text, style="bold red"))
    return table


@pytest.mark.parametrize(
    "view",
    [Text(HOSTILE), Group(Text(HOSTILE)), table_of(HOSTILE)],
    ids=lambda view: type(view).__name__,
)
def test_nothing_that_a_server_says_commands_the_terminal(
    view: RenderableType, capsys: pytest.CaptureFixture[str]
) -> None:
    err = io.StringIO()
    terminal = Terminal(err=Console(file=err, width=80))
    terminal.show(view, None)
    terminal.show_next(view, None)
    terminal.remark(view)
    terminal.say(HOSTILE)
    for shown in (capsys.readouterr().out, err.getvalue()):
        assert "a" in shown
        assert [c for c in shown if not c.isprintable() and c != "\n"] == []


def test_colours_are_left_in_what_is_shown() -> None:
    err = io.StringIO()
    Terminal(err=Console(file=err, force_terminal=True, color_system="standard")).remark(
        Text("no\x1b]0;", style="red")
    )
    assert err.getvalue() == "\x1b[31mno\N{REPLACEMENT CHARACTER}]0;\x1b[0m\n"


def test_json_on_a_terminal_does_not_command_it_and_says_the_same() -> None:
    text = harmless_json(json.dumps([HOSTILE, "ü✓😀"], ensure_ascii=False, indent=2))
    assert json.loads(text) == [HOSTILE, "ü✓😀"]
    assert harmless(text) == text
    assert "ü✓😀" in text


def test_json_goes_out_like_that(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(is_json=True)
    terminal.show("", {"said": HOSTILE})
    terminal.show_next("", {"said": HOSTILE})
    out = capsys.readouterr().out
    assert harmless(out) == out


def test_markup_in_a_name_is_no_markup() -> None:
    async def work() -> None: ...

    err = io.StringIO()
    Terminal(err=Console(file=err, force_terminal=True)).run("looking for [/x]@b.example", work())
    assert "[/x]@b.example" in err.getvalue()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110 - a device and no path of ours
@pytest.mark.parametrize(
    "arguments",
    [("account", "list", "--json"), pytest.param(("--help",), marks=pytest.mark.full)],
    ids=" ".join,
)
def test_a_disk_that_is_full_is_a_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    done = shell("> /dev/full", *arguments)
    assert done.returncode == Exit.LOCAL
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_outputs_that_are_closed_are_no_traceback_and_no_file_of_ours(run: Run) -> None:
    done = shell("<&- >&- 2>&-", "account", "list")
    assert (done.returncode, done.stdout, done.stderr) == (Exit.OK, "", "")


def test_ctrl_c_while_it_starts_is_no_traceback() -> None:
    press = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'rich': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from securemail.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", press], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (Exit.INTERRUPTED, "Interrupted.\n")


# What may be written: less than an account takes.
SMALL_DISK = (
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
    "from securemail.cli import main; main()"
)


def test_an_export_that_does_not_fit_leaves_no_half_in_the_way(
    run: Run, added: Callable[[str], None], tmp_path: Path
) -> None:
    added("alice")
    file = tmp_path / "accounts.json"
    done = subprocess.run(
        # -B: Python itself would leave half of a .pyc.
        [sys.executable, "-B", "-c", SMALL_DISK, "account", "export", str(file)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == Exit.LOCAL, done.stderr
    assert "File too large" in " ".join(done.stderr.split())
    assert not file.exists()
    assert run("account", "export", str(file)).exit_code == Exit.OK
