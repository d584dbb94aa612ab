"""Delete a security check, and a test goes red whose name says which attack came back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants import MUTANTS, Mutant
from tests.mutants_certificates import CERTIFICATE_MUTANTS
from tests.mutants_client_certificates import CLIENT_CERTIFICATE_MUTANTS
from tests.mutants_command import COMMAND_MUTANTS
from tests.mutants_compress import COMPRESS_MUTANTS
from tests.mutants_dane import DANE_MUTANTS
from tests.mutants_discovery import DISCOVERY_MUTANTS
from tests.mutants_dnssec import DNSSEC_MUTANTS
from tests.mutants_faults import FAULT_MUTANTS
from tests.mutants_observe import OBSERVE_MUTANTS
from tests.mutants_pins import PIN_MUTANTS
from tests.mutants_pop3 import POP3_MUTANTS
from tests.mutants_reconnect import RECONNECT_MUTANTS
from tests.mutants_refusals import REFUSAL_MUTANTS
from tests.mutants_revocation import REVOCATION_MUTANTS
from tests.mutants_sasl import SASL_MUTANTS
from tests.mutants_store import STORE_MUTANTS
from tests.mutants_submission import SUBMISSION_MUTANTS
from tests.mutants_watching import WATCHING_MUTANTS

ROOT = Path(__file__).parents[1]
ALL = (
    *MUTANTS,
    *CERTIFICATE_MUTANTS,
    *CLIENT_CERTIFICATE_MUTANTS,
    *COMPRESS_MUTANTS,
    *COMMAND_MUTANTS,
    *DANE_MUTANTS,
    *DISCOVERY_MUTANTS,
    *DNSSEC_MUTANTS,
    *FAULT_MUTANTS,
    *OBSERVE_MUTANTS,
    *PIN_MUTANTS,
    *POP3_MUTANTS,
    *RECONNECT_MUTANTS,
    *REFUSAL_MUTANTS,
    *REVOCATION_MUTANTS,
    *SASL_MUTANTS,
    *STORE_MUTANTS,
    *SUBMISSION_MUTANTS,
    *WATCHING_MUTANTS,
)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.rule)
def test_a_mutant_can_be_made(mutant: Mutant) -> None:
    source = (ROOT / "src" / "securemail" / mutant.path).read_text()
    assert source.count(mutant.before) == 1


@dataclass(frozen=True, slots=True)
class Run:
    """What the tests said of a mutant."""

    code: int
    said: str


def run(mutant: Mutant) -> Run:
    """Apply `mutant` to a copy of the library, and run the test that must notice."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src" / "securemail"
        without_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "securemail", copy, ignore=without_caches)
        changed = copy / mutant.path
        changed.write_text(changed.read_text().replace(mutant.before, mutant.after))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", mutant.caught_by],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(copy.parent)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    return Run(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> dict[str, Run]:
    """Run all mutants that are asked for, as many at once as there are processors."""
    names = {item.name for item in request.session.items}
    chosen = [
        mutant for mutant in ALL if f"test_a_deleted_check_is_noticed[{mutant.rule}]" in names
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip([mutant.rule for mutant in chosen], pool.map(run, chosen), strict=True))


@pytest.mark.full
@pytest.mark.timeout(3_600)  # the first waits for all of them
@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.rule)
def test_a_deleted_check_is_noticed(mutant: Mutant, runs: dict[str, Run]) -> None:
    done = runs[mutant.rule]
    assert done.code == 1, done.said
    assert f"FAILED {mutant.caught_by}" in done.said
