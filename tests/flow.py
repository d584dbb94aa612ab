"""How data flows through the library, as SVG. `python -m tests.flow` writes it into docs/diagrams.

Boxes and arrows are data; a test wants every module that is named to be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.diagrams import ARROW, FOLDER, HEAD

COLUMN_PX: Final = 216
ROW_PX: Final = 120
BOX_PX: Final = (138, 52)
LEFT_PX: Final = 78
TOP_PX: Final = 60
FILE: Final = FOLDER / "flow.svg"


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the library: where it stands, and in which module it is found."""

    name: str
    module: str
    column: float
    row: float
    fill: str = "#e8eefc"

    @property
    def middle(self) -> tuple[int, int]:
        return LEFT_PX + round(self.column * COLUMN_PX), TOP_PX + round(self.row * ROW_PX)


GATE: Final = "#fde9c9"
BOXES: Final = {
    box.name: box
    for box in (
        Box("socket", "aio/dial", 0, 0),
        Box("TLS engine", "tls/engine", 1, 0),
        Box("line buffer", "wire/buffer", 2, 0),
        Box("dialogue", "protocol/machine", 3, 0.5),
        Box("session", "session", 4, 0),
        Box("client", "transports", 4, 1),
        Box("gate", "policy/gate", 2, 1, GATE),
        Box("proof", "policy/confidentiality", 1, 2),
        Box("Account", "account", 2, 2),
    )
}


@dataclass(frozen=True, slots=True)
class Flow:
    """What goes from one part to another; `away` is red: it may tell a stranger something."""

    source: str
    target: str
    said: str
    away: bool = False


FLOWS: Final = (
    Flow("socket", "TLS engine", "bytes"),
    Flow("TLS engine", "line buffer", "cleartext"),
    Flow("line buffer", "dialogue", "lines"),
    Flow("dialogue", "session", "events"),
    Flow("session", "client", "hand-over"),
    Flow("client", "dialogue", "commands", away=True),
    Flow("dialogue", "gate", "intent, bytes", away=True),
    Flow("gate", "TLS engine", "what may leave", away=True),
    Flow("TLS engine", "socket", "records", away=True),
    Flow("TLS engine", "proof", "handshake"),
    Flow("proof", "gate", "shortfalls"),
    Flow("Account", "gate", "policy"),
)
NOTE: Final = (
    "Nothing leaves but through the gate, which is open where the proof of the handshake lacks "
    "nothing of the account's policy."
)


def draw() -> str:
    """Return the diagram."""
    width, height = LEFT_PX * 2 + 4 * COLUMN_PX, TOP_PX + 2 * ROW_PX + 80
    parts = [
        f'<svg {HEAD} viewBox="0 0 {width} {height}">',
        "<title>How data flows from the socket to the client, and back through the gate</title>",
        ARROW,
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *(_arrow(flow) for flow in FLOWS),
        *(_box(box) for box in BOXES.values()),
        f'<text x="12" y="{height - 12}" fill="#555">{NOTE}</text>',
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _box(box: Box) -> str:
    (x, y), (width, height) = box.middle, BOX_PX
    return (
        f'<rect x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}" '
        f'rx="8" fill="{box.fill}" stroke="#335"/>'
        f'<text x="{x}" y="{y - 3}" text-anchor="middle" font-weight="bold">{box.name}</text>'
        f'<text x="{x}" y="{y + 15}" text-anchor="middle" fill="#446">{box.module}</text>'
    )


def _arrow(flow: Flow) -> str:
    start, end = _ends(BOXES[flow.source].middle, BOXES[flow.target].middle)
    colour = "#b00" if flow.away else "#333"
    # There and back between the same boxes: one above the other.
    shift = 14 * any((f.source, f.target) == (flow.target, flow.source) for f in FLOWS)
    shift = shift if flow.away else -shift
    start, end = (start[0], start[1] + shift), (end[0], end[1] + shift)
    x, y = (start[0] + end[0]) // 2, (start[1] + end[1]) // 2 - 5
    return (
        f'<path d="M{start[0]},{start[1]} L{end[0]},{end[1]}" fill="none" stroke="{colour}" '
        'stroke-width="1.5" marker-end="url(#a)"/>'
        f'<text x="{x}" y="{y}" text-anchor="middle" fill="{colour}" stroke="#fff" '
        f'stroke-width="4" paint-order="stroke" font-size="11">{flow.said}</text>'
    )


def _ends(a: tuple[int, int], b: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where a line from the middle of one box to that of another leaves and arrives."""
    (ax, ay), (bx, by) = a, b
    dx, dy = bx - ax, by - ay
    share = min(
        (BOX_PX[0] / 2 + 2) / abs(dx) if dx else 1.0, (BOX_PX[1] / 2 + 2) / abs(dy) if dy else 1.0
    )
    return (
        (round(ax + dx * share), round(ay + dy * share)),
        (round(bx - dx * share), round(by - dy * share)),
    )


def main() -> None:
    """Write the diagram."""
    FILE.write_text(draw())


def sources() -> list[Path]:
    """Return the modules that the boxes name."""
    library = Path(__file__).parents[1] / "src" / "securemail"
    return [library / box.module for box in BOXES.values()]


if __name__ == "__main__":
    main()
