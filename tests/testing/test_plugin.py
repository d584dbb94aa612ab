"""The fixtures, as somebody else's project has them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
PROGRAM = next(
    code
    for code in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    if "pytest.mark" in code
)
OPTIONS = ["-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *OPTIONS, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# The accounts of the plugin, in each of them.
ACCOUNTS = """
import pytest
from securemail import connect_imap, connect_pop3, connect_submission

@pytest.mark.asyncio
@pytest.mark.parametrize("connect", [connect_imap, connect_pop3, connect_submission])
async def test_login(account, starttls_account, connect):
    for mine in (account, starttls_account):
        async with connect(mine) as session:
            assert session.confidentiality.indicator.is_locked
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_the_project_of_the_documents_tests_itself(tmp_path: Path, mode: str) -> None:
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nasyncio_mode = {mode}\n")
    (tmp_path / "test_program.py").write_text(PROGRAM)
    (tmp_path / "test_accounts.py").write_text(ACCOUNTS)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


def test_a_program_that_trusts_anybody_is_found_out(tmp_path: Path) -> None:
    careless = PROGRAM.replace(
        "async with connect_imap(account)",
        "if True:\n        return 0\n    async with connect_imap(account)",
    )
    (tmp_path / "test_program.py").write_text(careless)
    done = run_pytest(tmp_path)
    assert "3 failed" in done.stdout, done.stdout + done.stderr
    assert "DID NOT RAISE" in done.stdout


def test_a_fixture_of_the_projects_own_takes_the_place(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef account():\n    return 'my'\n"
    )
    (tmp_path / "test_own.py").write_text("def test_own(account):\n    assert account == 'my'\n")
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
