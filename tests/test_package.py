"""The package, as those have it who install it. It takes a minute, and the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

USER = """
from securemail import Account, Endpoint, Password, TLSMode, connect_imap, discover


async def subjects(account: Account) -> list[bytes]:
    async with connect_imap(account) as session:
        reveal_type(session.confidentiality.indicator.is_locked)
        await session.client.select("INBOX")
        return list((await session.client.search("UNSEEN")).lines)


async def found(address: str) -> Account:
    return (await discover(address)).account(credentials=Password(address, "secret"))


endpoint: Endpoint = Endpoint("imap.example.org", 993, TLSMode.IMPLICIT)
"""
WRONG = """
from securemail import Endpoint, connect_nntp

Endpoint("imap.example.org", "993", True)
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        # Neither the tree nor what pytest has set is to be seen from in there.
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment,
    )


def build(tree: Path, place: Path) -> dict[str, bytes]:
    """Return the wheel and the source distribution of `tree`, by name."""
    done = run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", place, tree),
        cwd=place.parent,
        SOURCE_DATE_EPOCH="1700000000",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("build") / "dist"
    build(ROOT, place)
    return place


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment with the wheel and what it depends on, and nothing else."""
    place = tmp_path_factory.mktemp("user") / "venv"
    venv.create(place, with_pip=True)
    install(place, str(wheel))
    return place


def install(place: Path, *what: str) -> None:
    pip: list[str | Path] = [place / "bin" / "python", "-m", "pip", "install", "-qq"]
    done = run(*pip, *what, cwd=place, PIP_DISABLE_PIP_VERSION_CHECK="1")
    assert done.returncode == 0, done.stderr


def test_two_builds_are_equal_byte_for_byte(built: Path, tmp_path: Path) -> None:
    """The second one is made from the source distribution of the first, elsewhere."""
    first = {path.name: path.read_bytes() for path in built.iterdir()}
    (tmp_path / "tree").mkdir()
    # Not tarfile: Python 3.11.2 has no filters yet, and later ones want one.
    archive = next(built.glob("*.tar.gz"))
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path / "tree"], check=True)
    (tree,) = (tmp_path / "tree").iterdir()
    (tree / "PKG-INFO").unlink()  # what the build has added
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert build(tree, tmp_path / "dist") == first


def test_the_wheel_works_without_any_extra(empty: Path) -> None:
    code = "from securemail import *; print(connect_imap.__name__, discover.__name__)"
    done = run(empty / "bin" / "python", "-W", "error", "-c", code, cwd=empty)
    assert (done.returncode, done.stdout) == (0, "connect_imap discover\n"), done.stderr


@pytest.mark.parametrize("command", [["securemail", "--help"], ["python", "-m", "securemail"]])
def test_the_command_without_its_extra_says_what_to_install(
    empty: Path, command: list[str]
) -> None:
    done = run(empty / "bin" / command[0], *command[1:], cwd=empty)
    assert done.returncode == 2
    assert done.stderr.endswith("is missing: install the extra securemail[cli]\n")
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def equipped(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment with the wheel, its command and its servers for tests."""
    place = tmp_path_factory.mktemp("learner") / "venv"
    venv.create(place, with_pip=True)
    install(place, f"{wheel}[cli,testing]")
    return place


def test_the_command_with_its_extra_helps(equipped: Path) -> None:
    done = run(equipped / "bin" / "securemail", "--help", cwd=equipped)
    assert done.returncode == 0, done.stderr
    assert "check" in done.stdout
    shown = run(equipped / "bin" / "securemail", "demo", cwd=equipped)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_tutorial_needs_the_wheel_and_one_extra(equipped: Path, number: int) -> None:
    (equipped / "learn.py").write_text(PROGRAMS[number])
    done = run(equipped / "bin" / "python", "learn.py", cwd=equipped)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    "checker",
    [
        ["mypy", "--strict", "--python-executable"],
        ["pyright", "--pythonpath"],
    ],
    ids=["mypy", "pyright"],
)
def test_a_users_type_checker_reads_our_types(
    empty: Path, tmp_path: Path, checker: list[str]
) -> None:
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    command: list[str | Path] = [sys.executable, "-m", *checker, empty / "bin" / "python"]
    good = run(*command, "user.py", cwd=tmp_path)
    assert good.returncode == 0, good.stdout
    assert "bool" in good.stdout
    bad = run(*command, "wrong.py", cwd=tmp_path)
    assert bad.returncode == 1
    assert all(word in bad.stdout for word in ("connect_nntp", "int", "TLSMode")), bad.stdout
