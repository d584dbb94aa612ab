"""Where the command writes: results to standard output, everything else to standard error."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import warnings
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TextIO, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from securemail.cli.codes import Exit
from securemail.cli.harmless import Harmless, harmless_json
from securemail.cli.local import LocalError
from securemail.errors import ConfidentialityWarning, SecureMailError

T = TypeVar("T")

# What a shell says of a program that a closed pipe has ended.
_BROKEN_PIPE: Final = 141


@dataclass(slots=True)
class Terminal:
    """Both outputs. Rich leaves out colour where it cannot be shown, or NO_COLOR is set."""

    is_json: bool = False
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    # --- results

    def show(self, view: RenderableType, data: object) -> None:
        """Write the result: `view` for a person, `data` for a program with `--json`."""
        if self.is_json:
            self._write_json(data, indent=2)
        else:
            self._print(view)

    def show_next(self, view: RenderableType, data: object) -> None:
        """Write one of many results, at once; with `--json` one object on one line."""
        if self.is_json:
            self._write_json(data)
        else:
            self._print(view)

    def _write_json(self, data: object, indent: int | None = None) -> None:
        self.write(harmless_json(json.dumps(data, indent=indent, ensure_ascii=False)) + "\n")

    def write(self, text: str) -> None:
        """Write a text to standard output as it is; nobody need read it to its end.

        Raises: typer.Exit.
        """
        with self._writing():
            sys.stdout.write(text)
            sys.stdout.flush()

    def _print(self, view: RenderableType) -> None:
        # At the end of a capture rich flushes, too.
        with self._writing(), self.out.capture() as captured:
            self.out.print(Harmless(view))
        self.write(captured.get())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            discard(sys.stdout)  # `| head` has seen enough
            raise typer.Exit(_BROKEN_PIPE) from None
        except OSError as exc:
            discard(sys.stdout)
            self.fail(LocalError(f"standard output cannot be written: {exc.strerror}"))

    # --- remarks

    def say(self, text: str, *, style: str = "") -> None:
        """Write a remark that is no result."""
        self.remark(Text(text, style=style))

    def remark(self, view: RenderableType) -> None:
        """Write the same of any form."""
        self.err.print(Harmless(view))

    def fail(self, error: SecureMailError, data: Mapping[str, object] | None = None) -> NoReturn:
        """End the command with one clear sentence, what can be done, and an exit code.

        `data` is what a program is told with `--json` beside the error.
        """
        # They know all kinds of errors, of sessions and stores: only a failure waits for these.
        from securemail.cli.advice import advice_for  # noqa: PLC0415 - see above
        from securemail.cli.exits import exit_of  # noqa: PLC0415 - likewise

        if self.is_json:
            said = {"error": type(error).__name__, "message": str(error), **(data or {})}
            self._write_json(said)
        self.say(_sentence(str(error)), style="bold red")
        if advice := advice_for(error):
            self.say(advice)
        raise typer.Exit(exit_of(error))

    # --- work

    def run(self, doing: str, work: Coroutine[Any, Any, T]) -> T:
        """Return what comes of `work`, with a sign of life on a terminal; errors end the command.

        Raises: typer.Exit.
        """
        with self.err.status(Text(f"{doing} …")):
            return self.run_plain(work)

    def run_plain(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the same for work that shows itself how far it has come.

        Raises: typer.Exit.
        """
        try:
            with self.warnings_in_words():
                return asyncio.run(work)
        except SecureMailError as exc:
            self.fail(exc)
        except KeyboardInterrupt:
            self.say("Interrupted.")
            raise typer.Exit(Exit.INTERRUPTED) from None

    @contextmanager
    def failing(self) -> Iterator[None]:
        """End the command with what is raised inside.

        Raises: typer.Exit.
        """
        try:
            with self.warnings_in_words():
                yield
        except SecureMailError as exc:
            self.fail(exc)

    @contextmanager
    def warnings_in_words(self) -> Iterator[None]:
        """Show a warning of ours as the sentence that it is, without a file and a line."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConfidentialityWarning)
            yield
        for each in caught:
            if issubclass(each.category, ConfidentialityWarning):
                self.say(_sentence(f"Warning: {each.message}"), style="bold yellow")

    @property
    def is_interactive(self) -> bool:
        """Whether there is a person to ask."""
        return sys.stdin.isatty() and self.err.is_terminal


def discard(stream: TextIO) -> None:
    """Lead to nowhere what is still to be written; Python would complain at its own end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _sentence(text: str) -> str:
    end = "" if text.endswith((".", "?", "!")) else "."
    first = text.partition(" ")[0].rstrip(":")
    # The name of a file is written as it is.
    return f"{text[:1].upper()}{text[1:]}{end}" if first.isalpha() else f"{text}{end}"
