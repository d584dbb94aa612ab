"""The public names: where they are, that they load when they are asked for, and nothing before."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import securemail
from securemail._names import HOMES

SOURCE = Path(securemail.__file__)

# What takes time to load, or is of an extra.
HEAVY = """
    asyncio cryptography OpenSSL dns idna scramp sqlite3 ssl email xml tomllib logging csv
    aioimaplib aiosmtplib aiohttp keyring opentelemetry python_socks rich typer trustme pytest
"""
# What a program that reads mail does not need.
UNUSED = """
    aiosmtplib aiohttp keyring opentelemetry python_socks rich typer trustme sqlite3 xml.etree
    tomllib securemail.store securemail.setup securemail.watching securemail.pool securemail.testing
    securemail.cli securemail.demo securemail.observers
"""


def loaded_by(code: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(shown.stdout.split())


def told_to_type_checkers() -> dict[str, str]:
    """Return the names that the block for type checkers imports, each with its module."""
    tree = ast.parse(SOURCE.read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.name: (node.module or "").removeprefix("securemail.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_importing_the_package_loads_none_of_its_parts() -> None:
    loaded = loaded_by("import securemail")
    assert loaded.isdisjoint(HEAVY.split())
    assert {name for name in loaded if name.startswith("securemail.")} == {
        "securemail._names",
        "securemail._version",
    }


def test_a_program_that_reads_mail_loads_nothing_that_is_for_others() -> None:
    loaded = loaded_by("from securemail import Account, Endpoint, Password, connect_imap")
    assert loaded.isdisjoint(UNUSED.split())


def test_what_type_checkers_read_is_what_runs() -> None:
    assert told_to_type_checkers() == HOMES
    assert sorted([*HOMES, "__version__"]) == sorted(securemail.__all__)


@pytest.mark.parametrize("name", securemail.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(securemail, name) is not None
    assert name in dir(securemail)


def test_another_name_is_an_error_that_says_so() -> None:
    with pytest.raises(AttributeError, match="module 'securemail' has no attribute 'connect_nntp'"):
        securemail.connect_nntp  # type: ignore[attr-defined]  # noqa: B018 - the point
    with pytest.raises(ImportError, match="connect_nntp"):
        exec("from securemail import connect_nntp")
