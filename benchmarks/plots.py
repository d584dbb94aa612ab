"""The plots of the page: bars for what was measured side by side, lines for what grows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import OURS, Row

_COLOURS: Final = {True: "#1b6ca8", False: "#b8c4cc"}
# The same file for the same numbers: no date, and no random names.
_SVG: Final[Any] = {"svg.hashsalt": "securemail", "svg.fonttype": "none"}

# How a cost grows with the number, by the exponent on a double logarithmic scale.
_SLOPES: Final = (
    (0.15, "does not grow"),
    (0.8, "grows slower than the number"),
    (1.2, "grows with the number"),
    (math.inf, "grows FASTER than the number"),
)


def draw(rows: Sequence[Row], path: Path) -> bool:
    """Draw `rows` into the SVG at `path`; False without matplotlib."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
        from matplotlib.figure import Figure  # noqa: PLC0415 - matplotlib is an extra
    except ImportError:
        return False
    figure = Figure(layout="constrained")
    curves = [each for each in rows if each.series]
    if curves:
        _lines(figure, curves)
    else:
        _bars(figure, rows)
    with mpl.rc_context(_SVG):
        figure.savefig(path, metadata={"Date": None})
    # Its path data has spaces at the ends of lines.
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines))
    return True


def _bars(figure: Any, rows: Sequence[Row]) -> None:
    """Draw the ratios, where there are any: each base is the line at 1."""
    from matplotlib import ticker  # noqa: PLC0415 - an extra

    ratios = _first_of_each([each for each in rows if each.base])
    shown = (ratios or [each for each in rows if each.unit == rows[0].unit])[::-1]
    figure.set_size_inches(8, 0.6 + 0.22 * len(shown))
    axes = figure.add_subplot()
    spread = [[e.value - e.low for e in shown], [e.high - e.value for e in shown]]
    colours = [_COLOURS[each.peer.startswith(OURS)] for each in shown]
    places = range(len(shown))
    start = 1.0 if ratios else 0.0
    widths = [each.value - start for each in shown]
    axes.barh(places, widths, left=start, xerr=spread, color=colours, ecolor="#555555")
    if ratios:
        axes.set_xscale("log", subs=())
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.axvline(1.0, color="#555555", linewidth=0.8)
    axes.set_yticks(places, [f"{each.case}: {each.peer}" for each in shown], fontsize=7)
    axes.set_xlabel(", ".join(dict.fromkeys(each.unit for each in shown[::-1])))
    axes.margins(y=0.01)


def _first_of_each(rows: Sequence[Row]) -> list[Row]:
    """Return one ratio of each peer in each case: the one to the case's first base."""
    found: dict[tuple[str, str], Row] = {}
    for each in rows:
        found.setdefault((each.case, each.peer), each)
    return list(found.values())


def _lines(figure: Any, rows: Sequence[Row]) -> None:
    units = list(dict.fromkeys(each.unit for each in rows))
    figure.set_size_inches(8, 2.6 * len(units))
    for axes, unit in zip(figure.subplots(len(units), squeeze=False)[:, 0], units, strict=True):
        of_unit = [each for each in rows if each.unit == unit]
        for name, points in curves_of(of_unit).items():
            axes.loglog([each.at for each in points], [each.value for each in points], "o-")
            axes.lines[-1].set_label(name)
        axes.set_ylim(*_room([each.value for each in of_unit]))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.set_ylabel(unit, fontsize=7)
        axes.grid(visible=True, color="#dddddd")
        axes.legend(fontsize=7)


def _room(values: Sequence[float]) -> tuple[float, float]:
    """Return limits that are a hundredfold apart at least: what does not grow is to look flat."""
    low = min((each for each in values if each > 0), default=1.0)
    high = max(low, *values)
    margin = max(1.5, math.sqrt(100 * low / high))
    return low / margin, high * margin


def curves_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the points of each curve."""

    def key(each: Row) -> str:
        return f"{each.series} ({each.peer})"

    return {name: list(points) for name, points in groupby(sorted(rows, key=key), key)}


def slope(points: Sequence[Row]) -> str:
    """Return in words how the values grow, from the first point to the last."""
    first, last = min(points, key=lambda each: each.at), max(points, key=lambda each: each.at)
    if first.at == last.at or min(first.value, last.value) <= 0:
        return "has one point"
    exponent = math.log(last.value / first.value) / math.log(last.at / first.at)
    words = next(words for limit, words in _SLOPES if exponent < limit)
    grown = f"{last.at / first.at:,.0f} times as many: {last.value / first.value:.1f} times"
    return f"{words} ({grown})"
