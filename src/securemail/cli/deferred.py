"""Commands that are loaded when they are called: the list of them loads none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup


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
            self.add_command(
                TyperCommand(
                    name, short_help=home.summary, rich_markup_mode=None, add_help_option=False
                )
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Return the command that is called, and not its stand-in."""
        name, command, rest = super().resolve_command(ctx, args)
        # While a shell completes, a name may be nobody's.
        return name, _loaded(self.homes[name]) if name else command, rest


def _loaded(home: Home) -> Any:
    found = getattr(import_module(f"securemail.cli.{home.module}"), home.name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(short_help=home.summary)(found)
        found = alone
    return typer.main.get_command(found)
