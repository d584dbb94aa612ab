"""Run the tests that must notice a mutant, in processes that start warm.

A fresh interpreter spends a second on what no mutant changes: pytest, Hypothesis and the libraries
below us. A fork server imports those once, and each run is forked from it: the whole table takes
half the time.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from tests.mutants import Mutant

ROOT: Final = Path(__file__).parents[1]

# None of them imports securemail, which each run takes from its own copy.
_WARM: Final = (
    "OpenSSL.SSL",
    "aioimaplib",
    "aiosmtplib",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.x509",
    "dns.asyncresolver",
    "hypothesis.strategies",
    "pytest_asyncio.plugin",
    "service_identity",
    "tests.mutant_runs",
    "uvloop",
)
_LIMIT_S: Final = 300.0

# Many a mutant hangs until its test's own limit: it waits, and others may work meanwhile.
_AT_ONCE: Final = 3 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Run:
    """What the tests said of a mutant."""

    code: int | None
    said: str


def run_all(mutants: Iterable[Mutant]) -> dict[str, Run]:
    """Run `mutants`, a few at once; by their rules."""
    mutants = list(mutants)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip([mutant.rule for mutant in mutants], pool.map(_run, mutants), strict=True))


def _run(mutant: Mutant) -> Run:
    """Apply `mutant` to a copy of the library, and run the test that must notice."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        _copy(mutant, source)
        said = Path(folder) / "said"
        process = _forkserver.Process(target=_judge, args=(source, mutant.caught_by, said))
        process.start()
        process.join(_LIMIT_S)
        if process.is_alive():
            process.kill()
            process.join()
        return Run(process.exitcode, said.read_text() if said.exists() else "")


def _copy(mutant: Mutant, source: Path) -> None:
    """Make `source` hold the library with `mutant` in it: links, but for what is changed."""
    original, copy = ROOT / "src", source
    for part in Path("securemail", mutant.path).parts:
        copy.mkdir()
        for entry in original.iterdir():
            if entry.name != part:
                (copy / entry.name).symlink_to(entry)
        original, copy = original / part, copy / part
    copy.write_text(original.read_text().replace(mutant.before, mutant.after))


def _judge(source: Path, test: str, said: Path) -> None:
    """Run `test` on the library in `source`, in a process of its own."""
    with said.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ["PYTHONPATH"] = str(source)
    sys.path.insert(0, str(source))
    already = [name for name in sys.modules if name.partition(".")[0] == "securemail"]
    found = importlib.import_module("securemail").__file__
    if already or found is None or not Path(found).is_relative_to(source):
        sys.exit(f"this is not the mutant: {found}, {already}")
    # Nobody reads what an assertion compared, and rewriting wants to come before all imports.
    code = pytest.main(["-qx", "--assert=plain", "-p", "no:cacheprovider", test])
    sys.stdout.flush()
    os._exit(code)


_forkserver: Final = get_context("forkserver")
_forkserver.set_forkserver_preload(list(_WARM))
