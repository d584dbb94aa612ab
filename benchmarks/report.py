"""The page with all numbers, and its plots: docs/benchmarks.md is written by this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.harness import HERE, OURS, ROOT, Row

DOCS: Final = ROOT / "docs"
PLOTS: Final = DOCS / "benchmarks"
_COLOURS: Final = {True: "#1b6ca8", False: "#b8c4cc"}


def write(rows: list[Row], versions: dict[str, str], options: str) -> None:
    """Write the page and its plots."""
    PLOTS.mkdir(exist_ok=True)
    (DOCS / "benchmarks.md").write_text("\n".join(_page(rows, versions, options)) + "\n")


def _page(rows: list[Row], versions: dict[str, str], options: str) -> Iterator[str]:
    yield (HERE / "reading.md").read_text().rstrip()
    yield ""
    yield f"Measured by `make {options}` on:"
    yield ""
    yield from (f"- {name} {version}" for name, version in versions.items())
    yield ""
    yield "## Targets"
    yield ""
    yield from _table(each for each in rows if each.target is not None)
    for scenario, found in groupby(rows, lambda each: each.scenario):
        of_it = list(found)
        yield ""
        yield f"## {scenario.capitalize()}"
        yield ""
        if (name := _plot(scenario, of_it)) is not None:
            yield f"![{scenario}](benchmarks/{name})"
            yield ""
        yield from _table(of_it)


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "| case | library | median | least | most | unit | target | |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in rows:
        name = f"**{each.peer}**" if each.peer.startswith(OURS) else each.peer
        target = "" if each.target is None else f"{each.target:g}"
        numbers = f"{each.value:.2f} | {each.low:.2f} | {each.high:.2f}"
        yield f"| {each.case} | {name} | {numbers} | {each.unit} | {target} | {each.verdict} |"


def _plot(scenario: str, rows: list[Row]) -> str | None:
    """Draw the medians as bars, and return the name of the file; None without matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    unit = next((each.unit for each in rows if each.base), rows[0].unit)
    shown = [each for each in rows if each.unit == unit][::-1]
    figure = Figure(figsize=(8, 0.6 + 0.22 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    values = [each.value for each in shown]
    spread = [[e.value - e.low for e in shown], [e.high - e.value for e in shown]]
    colours = [_COLOURS[each.peer.startswith(OURS)] for each in shown]
    places = range(len(shown))
    axes.barh(places, values, xerr=spread, color=colours, ecolor="#555555")
    axes.set_yticks(places, [f"{each.case}: {each.peer}" for each in shown], fontsize=7)
    axes.set_xlabel(unit)
    axes.margins(y=0.01)
    name = f"{scenario.replace(' ', '-')}.png"
    figure.savefig(Path(PLOTS / name), dpi=80)
    return name
