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
