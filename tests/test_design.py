"""docs/design.md names every module, so that a newcomer finds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "securemail"
LAYERS = (ROOT / "docs" / "design.md").read_text().split("## Layers")[1].split("\nWhere do I")[0]
NAMES = {name.rstrip("/").removesuffix(".py") for name in re.findall(r"`([\w./]+)`", LAYERS)}
WORDS = {name.rpartition("/")[2] for name in NAMES}
MODULES = [
    path.relative_to(PACKAGE).with_suffix("")
    for path in sorted(PACKAGE.rglob("*.py"))
    if not path.stem.startswith("_")
]


# The parts of `testing` and of the client libraries' hand-over are named by their package alone.
@pytest.mark.parametrize(
    "module",
    [path for path in MODULES if path.parts[0] not in {"testing", "transports"}],
    ids=str,
)
def test_the_table_of_layers_names_each_module(module: Path) -> None:
    assert module.name in WORDS


# What a tool is told to overlook, and the reason: behind a dash, or as a comment of its own.
OVERLOOKED = re.compile(r"# (?:noqa: [A-Z]|type: ignore\[).*")
CODES = r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])(?: +[#] noqa: [A-Z0-9, ]+)?"
REASON = re.compile(rf"{CODES}(?: - | +# (?!noqa))\S")


def test_what_a_tool_is_told_to_overlook_has_its_reason_beside_it() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for folder in ("src", "tests", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if (found := OVERLOOKED.search(line)) and not REASON.match(found[0])
    ]
    assert bare == []
