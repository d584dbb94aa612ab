"""The page with all numbers, and its plots: docs/benchmarks.md is written by this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from benchmarks.harness import HERE, OURS, ROOT, Row
from benchmarks.plots import curves_of, draw, slope

DOCS: Final = ROOT / "docs"
PLOTS: Final = DOCS / "benchmarks"


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
    judged = [each for each in rows if each.target is not None]
    missed = sum(each.verdict != "met" for each in judged)
    yield ""
    yield "## Targets"
    yield ""
    yield f"{len(judged) - missed} of {len(judged)} are met."
    yield ""
    yield from _table(judged)
    for scenario, found in groupby(rows, lambda each: each.scenario):
        of_it = list(found)
        yield ""
        yield f"## {scenario[0].upper()}{scenario[1:]}"
        yield ""
        name = f"{scenario.replace(',', '').replace(' ', '-')}.svg"
        if draw(of_it, PLOTS / name):
            yield f"![{scenario}](benchmarks/{name})"
            yield ""
        yield from _slopes(of_it)
        yield from _table(of_it)


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
