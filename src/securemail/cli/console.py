"""Where the command writes: results to standard output, everything else to standard error."""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import typer
from rich.console import Console, RenderableType

from securemail.cli.exits import Exit, exit_of
from securemail.errors import ConfidentialityWarning, SecureMailError
from securemail.setup.advice import advice_on

T = TypeVar("T")


@dataclass(slots=True)
class Terminal:
    """Both outputs. Rich leaves out colour where it cannot be shown, or NO_COLOR is set."""

    is_json: bool = False
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def show(self, view: RenderableType, data: object) -> None:
        """Write a result: `view` for a person, `data` for a program with `--json`."""
        if self.is_json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        else:
            self.out.print(view)

    def say(self, text: str, *, style: str = "") -> None:
        """Write a remark that is no result."""
        self.err.print(text, style=style, markup=False)

    def fail(self, error: SecureMailError) -> NoReturn:
        """End the command with one clear sentence, what can be done, and an exit code."""
        if self.is_json:
            said = {"error": type(error).__name__, "message": str(error)}
            sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
        self.say(f"{_capital(str(error))}.", style="bold red")
        self.say(advice_on(error))
        raise typer.Exit(exit_of(error))

    def run(self, doing: str, work: Coroutine[Any, Any, T]) -> T:
        """Return what comes of `work`, with a sign of life on a terminal; errors end the command.

        Raises: typer.Exit.
        """
        try:
            with self._warnings_in_words(), self.err.status(f"{doing} …"):
                return asyncio.run(work)
        except SecureMailError as exc:
            self.fail(exc)
        except KeyboardInterrupt:
            self.say("interrupted")
            raise typer.Exit(Exit.INTERRUPTED) from None

    @contextmanager
    def _warnings_in_words(self) -> Iterator[None]:
        """Show a warning of ours as the sentence that it is, without a file and a line."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConfidentialityWarning)
            yield
        for each in caught:
            if issubclass(each.category, ConfidentialityWarning):
                self.say(f"Warning: {each.message}.", style="bold yellow")

    @property
    def is_interactive(self) -> bool:
        """Whether there is a person to ask."""
        return sys.stdin.isatty() and self.err.is_terminal


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
