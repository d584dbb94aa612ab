"""Texts of others on a terminal: nothing in them moves its cursor, or turns its words round.

The library makes servers' words printable where it reads them. This stands behind all of it, for
whatever was forgotten. No I/O here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment


def harmless(text: str) -> str:
    """Return `text` with what cannot be printed replaced; lines stay lines.

    Not only ESC commands a terminal: U+009B does, too, and U+202E turns round what follows.
    """
    return "".join(c if _is_harmless(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def harmless_json(text: str) -> str:
    """Return the same value as JSON in which nothing commands a terminal."""
    return "".join(c if _is_harmless(c) else json.dumps(c)[1:-1] for c in text)


def _is_harmless(char: str) -> bool:
    return char.isprintable() or char == "\n"


@dataclass(frozen=True, slots=True)
class Harmless:
    """What is shown, with its colours and without what its texts could do beside them."""

    view: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.view, options):
            if segment.control:
                yield segment  # rich's own
            else:
                yield Segment(harmless(segment.text), segment.style)
