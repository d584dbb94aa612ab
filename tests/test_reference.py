"""The reference has every public name, once, and nothing else."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import securemail
from securemail import events

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
DOCUMENTED = [
    name
    for page in sorted(REFERENCE.glob("*.md"))
    for name in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE)
]
PACKAGES = ["setup", "store", "observers", "testing", "sasl"]


def public(module: str) -> list[str]:
    """Return the names in `__all__` of a module, but those that the package has, too."""
    names = importlib.import_module(module).__all__
    return [f"{module}.{name}" for name in names if name not in securemail.__all__]


def test_the_names_of_the_package_are_those_in_the_reference() -> None:
    shown = [name.split(".")[1] for name in DOCUMENTED if name.count(".") == 1]
    assert sorted(shown) == sorted(set(securemail.__all__) - {"__version__"})


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_of_a_public_package_are_in_the_reference(package: str) -> None:
    assert set(public(f"securemail.{package}")) <= set(DOCUMENTED)


def test_every_event_is_in_the_reference() -> None:
    names = {
        f"securemail.events.{name}"
        for name, value in vars(events).items()
        if getattr(value, "__module__", "") == events.__name__
        and not name.startswith("_")
        and name not in securemail.__all__
    }
    assert names <= set(DOCUMENTED)


def test_nothing_is_in_the_reference_twice() -> None:
    assert len(DOCUMENTED) == len(set(DOCUMENTED))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_is_in_the_reference_is_there_and_has_a_docstring(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    assert value.__doc__
    assert not value.__doc__.startswith(f"{attribute}(")  # what a dataclass writes by itself
