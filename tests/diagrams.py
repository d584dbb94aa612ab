"""State diagrams as SVG, drawn from the tables of `protocol/dialogue.py`.

`python -m tests.diagrams` writes them into docs/diagrams; a test compares them with the tables.
States stand below each other; what leads down is drawn on the right, what leads up on the left.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from securemail.errors import UsageError
from securemail.protocol.dialects import new_dialect
from securemail.protocol.dialogue import (
    COMMANDS,
    TRANSITIONS,
    CancelExchange,
    Command,
    Kind,
    LogIn,
    Proceed,
    Respond,
    State,
)
from securemail.service import Service
from tests.protocol.model import COMMANDS as SAMPLES

FOLDER: Final = Path(__file__).parents[1] / "docs" / "diagrams"
TOKEN: Final = "TAG"
# What the machine does between two replies, and so stands in no table.
INSIDE: Final = {(State.HANDSHAKING, State.READY): ["TLS is up"]}
# What has no word of its own on the wire.
WORDLESS: Final = {Respond: "response", CancelExchange: "*", Proceed: "next part"}

Edges = dict[tuple[State, State], list[str]]

ROW_PX: Final = 64
LANE_PX: Final = 92
BOX_PX: Final = (150, 30)
WIDTH_PX: Final = 980
CENTRE_PX: Final = 500

HEAD: Final = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12"'
ARROW: Final = (
    '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path d="M0,0 L8,4 L0,8 z" fill="#333"/></marker></defs>'
)
NOTE: Final = (
    "← is what the server says. Its BYE, and whatever is not drawn, closes the connection."
)


def word(service: Service, command: Command) -> str | None:
    """Return what a client of `service` says for `command`; None where it has no such command."""
    dialect = new_dialect(service, TOKEN)
    try:
        if type(command) in WORDLESS:
            if isinstance(command, Proceed):
                dialect.encode(next(c for c in SAMPLES if isinstance(c, LogIn)), is_open=True)
            return WORDLESS[type(command)]
        line = dialect.encode(command, is_open=True).decode()
    except UsageError:
        return None
    words = [part for part in line.split() if not part.startswith(TOKEN)]
    return words[0]


def edges(service: Service) -> Edges:
    """Return which state follows which, and at what words; BYE, which ends all, is left out."""
    found: defaultdict[tuple[State, State], list[str]] = defaultdict(list)
    for command in SAMPLES:
        said = word(service, command)
        for (state, kind), target in COMMANDS.items():
            if said is not None and kind is type(command) and said not in found[state, target]:
                found[state, target].append(said)
    reached = {target for targets in found for target in targets} | {State.GREETING}
    for (state, reply), target in TRANSITIONS.items():
        is_spoken = reply is not Kind.PREAUTH or service is Service.IMAP
        if reply is not Kind.BYE and state in reached and is_spoken:
            found[state, target].append(f"← {reply.name}")
    return {pair: words for pair, words in {**found, **INSIDE}.items() if words}


def draw(service: Service) -> str:
    """Return the diagram of `service` as SVG."""
    drawn = edges(service)
    states = [state for state in State if any(state in pair for pair in drawn)]
    rows = {state: 40 + ROW_PX * number for number, state in enumerate(states)}
    height = 40 + ROW_PX * len(states) + 24
    parts = [
        f'<svg {HEAD} viewBox="0 0 {WIDTH_PX} {height}">',
        f"<title>{service.name}: from the greeting to the login</title>",
        ARROW,
        f'<rect width="{WIDTH_PX}" height="{height}" fill="#fff"/>',
        *_arcs(drawn, rows),
        *(_box(state.name, rows[state]) for state in states),
        f'<text x="12" y="{height - 10}" fill="#555">{NOTE}</text>',
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _box(name: str, y: int) -> str:
    width, height = BOX_PX
    return (
        f'<rect x="{CENTRE_PX - width // 2}" y="{y - height // 2}" width="{width}" '
        f'height="{height}" rx="8" fill="#e8eefc" stroke="#335"/>'
        f'<text x="{CENTRE_PX}" y="{y + 4}" text-anchor="middle" font-weight="bold">{name}</text>'
    )


def _arcs(drawn: Edges, rows: dict[State, int]) -> Iterator[str]:
    taken: set[tuple[int, int, int]] = set()  # side, lane and row
    # The short ones inside, so that few cross.
    for source, target in sorted(drawn, key=lambda pair: abs(rows[pair[0]] - rows[pair[1]])):
        side = 1 if rows[target] > rows[source] else -1
        between = range(min(rows[source], rows[target]), max(rows[source], rows[target]), ROW_PX)
        lane = next(
            lane
            for lane in itertools.count(1)
            if all((side, lane, row) not in taken for row in between)
        )
        taken.update((side, lane, row) for row in between)
        start = CENTRE_PX + side * BOX_PX[0] // 2
        bend = start + side * LANE_PX * lane
        top, bottom = rows[source] + 5 * side, rows[target] - 5 * side
        yield (
            f'<path d="M{start},{top} C{bend},{top} {bend},{bottom} {start},{bottom}" fill="none" '
            'stroke="#333" marker-end="url(#a)"/>'
        )
        yield (
            f'<text x="{(start + 3 * bend) // 4}" y="{(top + bottom) // 2 + 4}" fill="#114" '
            'stroke="#fff" stroke-width="4" paint-order="stroke" '
            f'text-anchor="middle">{", ".join(drawn[source, target])}</text>'
        )


def main() -> None:
    """Write the diagrams."""
    FOLDER.mkdir(exist_ok=True)
    for service in Service:
        (FOLDER / f"{service.name.lower()}.svg").write_text(draw(service))


if __name__ == "__main__":
    main()
