"""The page with all numbers, and its plots: docs/benchmarks.md is written by this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from benchmarks import standing
from benchmarks.harness import HERE, OURS, ROOT, Row
from benchmarks.plots import curves_of, draw, slope

DOCS: Final = ROOT / "docs"
PLOTS: Final = DOCS / "benchmarks"
_TABLE_GOES_BEFORE: Final = "## How to read it\n"


def write(rows: list[Row], versions: dict[str, str], options: str) -> None:
    """Write the page and its plots."""
    PLOTS.mkdir(exist_ok=True)
    for drawn_before in PLOTS.glob("*.svg"):
        drawn_before.unlink()
    (DOCS / "benchmarks.md").write_text("\n".join(_page(rows, versions, options)) + "\n")


def by_scenario(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of each scenario, whatever came between them while they were measured."""
    found: dict[str, list[Row]] = {}
    for each in rows:
        found.setdefault(each.scenario, []).append(each)
    return found


def _page(rows: list[Row], versions: dict[str, str], options: str) -> Iterator[str]:
    head, heading, reading = (HERE / "reading.md").read_text().partition(_TABLE_GOES_BEFORE)
    scenarios = by_scenario(rows)
    yield head + "\n".join(standing.table(scenarios))
    yield ""
    yield heading + reading
    yield f"Measured by `make {options}` on:"
    yield ""
    yield from (f"- {name} {version}" for name, version in versions.items())
    yield ""
    yield from _targets([each for each in rows if each.target is not None])
    for scenario, found in scenarios.items():
        yield from _section(scenario, found)


def _targets(judged: list[Row]) -> Iterator[str]:
    missed = sum(each.verdict != "met" for each in judged)
    yield "## Targets"
    yield ""
    yield f"{len(judged) - missed} of {len(judged)} are met."
    yield ""
    yield from _table(judged)


def _section(scenario: str, rows: list[Row]) -> Iterator[str]:
    yield ""
    yield f"## {scenario[0].upper()}{scenario[1:]}"
    yield ""
    name = f"{scenario.replace(',', '').replace(' ', '-')}.svg"
    if draw(rows, PLOTS / name):
        yield f"![{scenario}](benchmarks/{name})"
        yield ""
    yield from _slopes(rows)
    yield from _table(rows)


def _slopes(rows: list[Row]) -> Iterator[str]:
    curves = curves_of([each for each in rows if each.series])
    for name, points in curves.items():
        yield f"- {name}, {points[0].unit}: {slope(points)}"
    if curves:
        yield ""


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "| case | library | median | least | most | unit | target | |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in rows:
        name = f"**{each.peer}**" if each.peer.startswith(OURS) else each.peer
        target = "" if each.target is None else f"{each.target:g}"
        numbers = " | ".join(map(_number, (each.value, each.low, each.high)))
        yield f"| {each.case} | {name} | {numbers} | {each.unit} | {target} | {each.verdict} |"


def _number(value: float) -> str:
    if 0 < abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
