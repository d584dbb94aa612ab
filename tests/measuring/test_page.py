"""The page of the benchmarks: a heading for each scenario, and where we stand, said as it is."""

from __future__ import annotations

import pytest
from benchmarks.harness import OURS, Row, ratios
from benchmarks.plots import slope
from benchmarks.report import by_scenario
from benchmarks.standing import Comparison, Side, comparisons, table

UVLOOP = f"{OURS}+uvloop"


def row(peer: str, *spread: float, case: str = "a fetch", base: str = "", unit: str = "ms") -> Row:
    low, value, high = spread if len(spread) > 1 else spread * 3
    unit = f"times {base}" if base else unit
    return Row("bulk", case, peer, unit, value, low, high, base)


def sides(*rows: Row) -> dict[str, Side]:
    return {each.peer: each.side for each in comparisons(rows)}


def test_rows_of_one_scenario_are_one_section_whatever_was_measured_between_them() -> None:
    rows = [Row(name, case, OURS, "ms", 1, 1, 1) for case in "ab" for name in ("bulk", "CPU")]
    assert {name: [each.case for each in of_it] for name, of_it in by_scenario(rows).items()} == {
        "bulk": ["a", "b"],
        "CPU": ["a", "b"],
    }


def test_who_takes_less_is_ahead_and_nobody_is_where_the_spreads_overlap() -> None:
    found = sides(row(OURS, 2, 3, 4), row("fast", 1), row("same", 3, 5, 6), row("slow", 5, 6, 7))
    assert found == {"fast": Side.BEHIND, "same": Side.LEVEL, "slow": Side.AHEAD}


def test_the_base_of_a_ratio_is_a_peer_and_others_are_compared_through_it() -> None:
    rows = [row("imaplib", 70.0), row(OURS, 0.5, base="imaplib"), row("slow", 2, base="imaplib")]
    assert comparisons(rows) == [
        Comparison("slow", 0.25, Side.AHEAD),
        Comparison("imaplib", 0.5, Side.AHEAD),
    ]


def test_a_case_with_a_ratio_and_a_time_is_compared_once() -> None:
    times = [row(OURS, 5), row("imaplib", 2), row("slow", 9)]
    ratios = [row(OURS, 2.5, base="imaplib"), row("slow", 4.5, base="imaplib")]
    assert [each.peer for each in comparisons(times + ratios)] == ["slow", "imaplib"]


def test_a_peer_on_uvloop_is_compared_to_ours_on_uvloop() -> None:
    rows = [row(OURS, 9), row(UVLOOP, 1), row("aioimaplib+uvloop", 2), row("aioimaplib", 3)]
    assert sides(*rows) == {"aioimaplib+uvloop": Side.AHEAD, "aioimaplib": Side.BEHIND}


def test_units_and_cases_are_not_mixed() -> None:
    rows = [
        *(row(OURS, 1, unit="KiB"), row("peer", 9, unit="wake-ups")),
        *(row(OURS, 9, case="another"), row("third", 1, case="one more")),
    ]
    assert comparisons(rows) == []


def test_the_table_counts_the_cases_of_a_peer_on_each_side() -> None:
    rows = [
        *(row(OURS, 1), row("imaplib", 2), row("poplib", 4)),
        *(row(OURS, 3, case="another"), row("imaplib", 2, case="another")),
    ]
    *_, line = table({"bulk": rows, "ours alone": [row(OURS, 1)]})
    assert line == "| bulk | imaplib (0.5, 1 of 2)<br>poplib (0.25) |  | imaplib (1.5, 1 of 2) |"


def test_a_round_in_which_the_base_failed_is_passed_over() -> None:
    rounds = [{OURS: 3.0}, {"imaplib": 2.0, OURS: 1.0}, {"imaplib": 2.0, OURS: 3.0, "slow": 8.0}]
    found = {
        each.peer: (each.low, each.high) for each in ratios(("bulk", "all"), rounds, "imaplib")
    }
    assert found == {OURS: (0.5, 1.5), "slow": (4.0, 4.0)}


def curve(*points: tuple[int, float]) -> list[Row]:
    return [Row("scale", "", OURS, "ms", y, y, y, series="it", at=x) for x, y in points]


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (1.2, "does not grow"),
        (30.0, "grows slower"),
        (90.0, "grows with the number"),
        (900.0, "grows FASTER"),
    ],
)
def test_the_slope_of_a_curve_is_said_in_words(last: float, words: str) -> None:
    assert slope(curve((10, 1.0), (100, 5.0), (1000, last))).startswith(words)
