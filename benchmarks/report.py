"""The pages with all numbers, and their plots: docs/benchmarks.md and docs/benchmarks-full.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks import standing
from benchmarks.harness import HERE, OURS, ROOT, Row
from benchmarks.plots import curves_of, draw, slope
from benchmarks.scenarios import curves, memory

_DOCS: Final = ROOT / "docs"
_TABLE_GOES_BEFORE: Final = "## How to read it\n"
# Of the others the full run has more rounds, and no other sizes.
_LARGER: Final = (memory.NAME, curves.NAME)


def write(rows: list[Row], versions: dict[str, str], *, is_full: bool) -> None:
    """Write the page of `make bench`, or of `make bench-full`, and its plots."""
    name = "benchmarks-full" if is_full else "benchmarks"
    plots = _DOCS / name
    plots.mkdir(exist_ok=True)
    for drawn_before in plots.glob("*.svg"):
        drawn_before.unlink()
    page = _full_page if is_full else _page
    (_DOCS / f"{name}.md").write_text("\n".join(page(rows, versions, plots)) + "\n")


def by_scenario(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of each scenario, whatever came between them while they were measured."""
    found: dict[str, list[Row]] = {}
    for each in rows:
        found.setdefault(each.scenario, []).append(each)
    return found


def _page(rows: list[Row], versions: dict[str, str], plots: Path) -> Iterator[str]:
    head, heading, reading = (HERE / "reading.md").read_text().partition(_TABLE_GOES_BEFORE)
    scenarios = by_scenario(rows)
    yield head + "\n".join(standing.table(scenarios))
    yield ""
    yield heading + reading
    yield from _machine("bench", versions)
    yield from _targets([each for each in rows if each.target is not None])
    for scenario, found in scenarios.items():
        yield from _section(scenario, found, plots)


def _full_page(rows: list[Row], versions: dict[str, str], plots: Path) -> Iterator[str]:
    scenarios = by_scenario(rows)
    yield (HERE / "reading-full.md").read_text()
    yield from standing.table(scenarios)
    yield ""
    yield from _machine("bench-full", versions)
    for scenario in _LARGER:
        yield from _section(scenario, scenarios.get(scenario, []), plots)


def _machine(target: str, versions: dict[str, str]) -> Iterator[str]:
    yield f"Measured by `make {target}` on:"
    yield ""
    yield from (f"- {name} {version}" for name, version in versions.items())
    yield ""


def _targets(judged: list[Row]) -> Iterator[str]:
    missed = sum(each.verdict != "met" for each in judged)
    yield "## Targets"
    yield ""
    yield f"{len(judged) - missed} of {len(judged)} are met."
    yield ""
    yield from _table(judged)


def _section(scenario: str, rows: list[Row], plots: Path) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"## {scenario[0].upper()}{scenario[1:]}"
    yield ""
    name = f"{scenario.replace(',', '').replace(' ', '-')}.svg"
    if draw(rows, plots / name):
        yield f"![{scenario}]({plots.name}/{name})"
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
