"""Where this library stands beside each peer: ahead, level or behind, by how much. No I/O here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from benchmarks.harness import OURS, Row

_UVLOOP: Final = "+uvloop"


class Side(Enum):
    """Who takes less; nobody does where the spreads of both overlap."""

    AHEAD = "ahead of"
    LEVEL = "level with"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ours takes, in parts of what `peer` takes for the same."""

    peer: str
    ratio: float
    side: Side


def comparisons(rows: Sequence[Row]) -> list[Comparison]:
    """Return ours beside each peer, in each case of one scenario.

    A peer on uvloop is compared to ours on uvloop. Ratios of one round come before absolute values.
    """
    cases = dict.fromkeys(row.case for row in rows)
    return [
        comparison
        for case in cases
        for same in _comparable([row for row in rows if row.case == case])
        for comparison in _compared(same)
    ]


def _comparable(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield those rows of one case that are of one unit."""
    base = next((row for row in rows if row.base), None)
    if base is not None:
        others = [row for row in rows if row.base == base.base]
        yield [*others, replace(base, peer=base.base, value=1.0, low=1.0, high=1.0)]
        return
    for unit in dict.fromkeys(row.unit for row in rows):
        yield [row for row in rows if row.unit == unit]


def _compared(rows: Iterable[Row]) -> Iterator[Comparison]:
    values = {row.peer: row for row in rows}
    for peer, theirs in values.items():
        ours = values.get(OURS + _UVLOOP if peer.endswith(_UVLOOP) else OURS)
        # Without a number of theirs there is nothing to divide by.
        if ours is not None and not peer.startswith(OURS) and theirs.value > 0:
            yield Comparison(peer, ours.value / theirs.value, _side(ours, theirs))


def _side(ours: Row, theirs: Row) -> Side:
    if ours.high < theirs.low:
        return Side.AHEAD
    return Side.BEHIND if ours.low > theirs.high else Side.LEVEL


def line(scenario: str, found: Sequence[Comparison]) -> str:
    """Return one line of the table: in each cell the peers, in how many cases, and the ratios."""
    total: dict[str, int] = defaultdict(int)
    for each in found:
        total[each.peer] += 1
    cells = (
        "<br>".join(_peers([each for each in found if each.side is side], total)) for side in Side
    )
    return f"| {scenario} | {' | '.join(cells)} |"


def _peers(found: Sequence[Comparison], total: dict[str, int]) -> Iterator[str]:
    for peer in dict.fromkeys(each.peer for each in found):
        ratios = [each.ratio for each in found if each.peer == peer]
        least, most = f"{min(ratios):.2g}", f"{max(ratios):.2g}"
        spread = least if least == most else f"{least} to {most}"
        share = "" if len(ratios) == total[peer] else f", {len(ratios)} of {total[peer]}"
        yield f"{peer} ({spread}{share})"


def table(scenarios: dict[str, list[Row]]) -> Iterator[str]:
    """Yield the lines of the table; a scenario without a peer has none."""
    yield f"| | {' | '.join(side.value for side in Side)} |"
    yield "|---|---|---|---|"
    for scenario, rows in scenarios.items():
        if found := comparisons(rows):
            yield line(scenario, found)
