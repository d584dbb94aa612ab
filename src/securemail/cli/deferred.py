"""Commands that are loaded when they are called: the list of them loads none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Final

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

# Typer has a click of its own, or an older one shares it: its error has no name that both give it.
_WRONG_USAGE: Final[Any] = typer.BadParameter.__mro__[1]


@dataclass(frozen=True, slots=True)
class Home:
    """Where a command is, and what the list of commands says of it.

    `name` is a function of the module, or a `typer.Typer` with more commands.
    """

    module: str
    name: str
    summary: str


class Deferred(TyperGroup):
    """A group whose `homes` say where its commands are.

    Together the commands take half a second to load, which `--help` and the shell's completion
    of their names would wait for.
    """

    homes: ClassVar[Mapping[str, Home]] = {}

    def __init__(self, **attrs: Any) -> None:
        """Put a stand-in in place of each command; `attrs` are typer's own affair."""
        super().__init__(**attrs)
        for name, home in self.homes.items():
            self.add_command(TyperCommand(name, short_help=home.summary, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return the command that is called, and not its stand-in."""
        name, command, rest = super().resolve_command(ctx, args)
        # While a shell completes, a name may be nobody's.
        return name, _loaded(self.homes[name]) if name else command, rest


class _Called(TyperCommand):
    """A command that answers in JSON when it is asked to, also to what it does not understand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; what is wrong with them goes to standard error in any case."""
        is_json = "--json" in args and any("--json" in each.opts for each in self.params)
        try:
            return super().parse_args(ctx, args)
        except _WRONG_USAGE as exc:
            if is_json:
                said = {"error": "UsageError", "message": exc.format_message()}
                typer.echo(json.dumps(said, ensure_ascii=True))
            raise


def _loaded(home: Home) -> Any:
    found = getattr(import_module(f"securemail.cli.{home.module}"), home.name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(cls=_Called, short_help=home.summary)(found)
        found = alone
    return typer.main.get_command(found)
