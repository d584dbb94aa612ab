"""The `securemail` command (extra `securemail[cli]`)."""

import io
import os
import sys
from contextlib import suppress
from typing import NoReturn, TextIO

from securemail.cli.codes import Exit
from securemail.cli.stopping import ended_in_order


def main() -> None:
    """Run the command; without its extra, say what to install."""
    _open_standard_files()
    try:
        with ended_in_order():
            _run_to_its_end()
    finally:
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)


def _run_to_its_end() -> None:
    try:
        _run()
    except KeyboardInterrupt:
        # While modules are loaded; the commands say more themselves.
        _end("Interrupted.", Exit.INTERRUPTED)
    except OSError as exc:
        _end(f"{exc.filename or 'standard output'}: {exc.strerror}.", Exit.LOCAL)


def _run() -> None:
    try:
        import rich  # noqa: F401, PLC0415 - only to see whether it is there
        import typer  # noqa: F401, PLC0415 - likewise
    except ModuleNotFoundError as exc:
        _end(f"{exc.name} is missing: install the extra securemail[cli]", Exit.USAGE)
    from securemail.cli.app import app  # noqa: PLC0415 - it needs both

    if not os.environ.get("COLUMNS", "80").strip("0"):
        del os.environ["COLUMNS"]  # a terminal without a width, on which rich would show nothing

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no ✓ is no reason for a traceback.
            stream.reconfigure(errors="backslashreplace")

    app()


def _open_standard_files() -> None:
    """Open to nowhere what a caller has closed: a mailbox must not become standard output."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    # Python has None for them.
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - open until the end
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - likewise
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 - likewise


def _flush(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        # Python would try once more, complain, and end with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end(words: str, code: Exit) -> NoReturn:
    with suppress(OSError):
        sys.stderr.write(f"{words}\n")
    sys.exit(code)
