"""Every row of docs/rfc-coverage.md points at code and tests that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = ROOT / "docs" / "rfc-coverage.md"

# How many sentences of each section of RFC 8314 ask something of a client.
SECTIONS: Final = {"3": 1, "5.0": 9, "5.1": 8, "5.2": 6, "5.3": 3, "5.4": 4, "5.5": 3}
REQUIREMENTS: Final = {
    *(f"{section}-{n}" for section, count in SECTIONS.items() for n in range(1, count + 1)),
    "7-1",
    "8-1",
}
# What binds a client besides.
OTHERS: Final = {
    f"RFC {number}"
    for number in (
        *(2595, 3207, 5077, 5802, 5929, 6186, 7671, 7673, 7677, 7817),
        *(8305, 8446, 8689, 9051, 9266, 9325, 9525),
    )
}
OTHER_RFC: Final = re.compile(r"RFC \d{3,5}( §\d+(\.\d+)*)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    id: str
    decided_in: tuple[str, ...]
    tests: tuple[str, ...]


def _rows(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0] != "id" and not cells[0].startswith("---"):
            if len(cells) != 3:
                raise ValueError(f"{len(cells)} cells instead of 3: {line}")
            yield Row(cells[0], _names(cells[1]), _names(cells[2]))


def _names(cell: str) -> tuple[str, ...]:
    parts = (part.strip().strip("`") for part in re.split(r"<br>|,", cell))
    return tuple(part for part in parts if part)


def _faults(rows: list[Row], root: Path) -> Iterator[str]:
    """Say what is wrong with the table, in one sentence each."""
    if not rows:
        yield "the table is empty"
    for identifier, count in Counter(row.id for row in rows).items():
        if identifier not in REQUIREMENTS and not OTHER_RFC.fullmatch(identifier):
            yield f"{identifier}: no such requirement"
        if count > 1:
            yield f"{identifier}: {count} rows"
    for row in rows:
        yield from _dead_pointers(row, root)


def _dead_pointers(row: Row, root: Path) -> Iterator[str]:
    if not row.decided_in or not row.tests:
        yield f"{row.id}: an empty cell"
    for path in row.decided_in:
        if not (root / "src" / "securemail" / path).is_file():
            yield f"{row.id}: no file src/securemail/{path}"
    for test in row.tests:
        if not exists(test, root):
            yield f"{row.id}: no test {test}"


def exists(test: str, root: Path) -> bool:
    """Return whether `path::name` names a test function."""
    path, _, name = test.partition("::")
    if not name.startswith("test_") or not (root / path).is_file():
        return False
    tree = ast.parse((root / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) and node.name == name for node in tree.body)


def test_every_row_points_at_code_and_tests_that_exist() -> None:
    assert list(_faults(list(_rows(TABLE.read_text())), ROOT)) == []


def test_every_requirement_has_a_row() -> None:
    rows = {row.id for row in _rows(TABLE.read_text())}
    assert REQUIREMENTS - rows == set()
    assert {
        name for name in OTHERS if not any(re.match(rf"{name}\b", row) for row in rows)
    } == set()


HEAD: Final = "| id | decided in | tests |\n|---|---|---|\n"
GOOD_TEST: Final = "tests/test_proof.py::test_no_version_below_tls_1_2_can_be_proved"


@pytest.mark.parametrize("row_id", ["5.2-4", "3-1", "7-1", "RFC 9525", "RFC 9051 §11"])
def test_a_true_row_has_no_fault(row_id: str) -> None:
    table = f"{HEAD}| {row_id} | `proof.py`, `intent.py` | `{GOOD_TEST}`<br>`{GOOD_TEST}` |\n"
    assert list(_faults(list(_rows(table)), ROOT)) == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("", "the table is empty"),
        (f"| 5.2-7 | `proof.py` | `{GOOD_TEST}` |", "5.2-7: no such requirement"),
        (f"| RFC | `proof.py` | `{GOOD_TEST}` |", "RFC: no such requirement"),
        (f"| 5.2-4 | `gone.py` | `{GOOD_TEST}` |", "5.2-4: no file src/securemail/gone.py"),
        (f"| 5.2-4 | | `{GOOD_TEST}` |", "5.2-4: an empty cell"),
        ("| 5.2-4 | `proof.py` | |", "5.2-4: an empty cell"),
        (
            "| 5.2-4 | `proof.py` | `tests/gone.py::test_it` |",
            "5.2-4: no test tests/gone.py::test_it",
        ),
        (
            "| 5.2-4 | `proof.py` | `tests/test_proof.py::test_gone` |",
            "5.2-4: no test tests/test_proof.py::test_gone",
        ),
        (
            "| 5.2-4 | `proof.py` | `tests/test_proof.py` |",
            "5.2-4: no test tests/test_proof.py",
        ),
        (2 * f"| 5.2-4 | `proof.py` | `{GOOD_TEST}` |\n", "5.2-4: 2 rows"),
    ],
)
def test_a_row_that_is_not_true_is_named(rows: str, fault: str) -> None:
    assert list(_faults(list(_rows(HEAD + rows)), ROOT)) == [fault]
