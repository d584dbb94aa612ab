"""Delete a security check, and a test goes red whose name says which attack came back."""

from __future__ import annotations

import pytest

from tests.mutant_runs import ROOT, Run, run_all
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
from tests.mutants_redactor import REDACTOR_MUTANTS
from tests.mutants_refusals import REFUSAL_MUTANTS
from tests.mutants_revocation import REVOCATION_MUTANTS
from tests.mutants_sasl import SASL_MUTANTS
from tests.mutants_store import STORE_MUTANTS
from tests.mutants_submission import SUBMISSION_MUTANTS
from tests.mutants_tls import TLS_MUTANTS
from tests.mutants_watching import WATCHING_MUTANTS

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
    *REDACTOR_MUTANTS,
    *REFUSAL_MUTANTS,
    *REVOCATION_MUTANTS,
    *SASL_MUTANTS,
    *STORE_MUTANTS,
    *SUBMISSION_MUTANTS,
    *TLS_MUTANTS,
    *WATCHING_MUTANTS,
)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.rule)
def test_a_mutant_can_be_made(mutant: Mutant) -> None:
    source = (ROOT / "src" / "securemail" / mutant.path).read_text()
    assert source.count(mutant.before) == 1
    file, _, name = mutant.caught_by.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> dict[str, Run]:
    """Run all mutants that are asked for."""
    names = {item.name for item in request.session.items}
    return run_all(
        mutant for mutant in ALL if f"test_a_deleted_check_is_noticed[{mutant.rule}]" in names
    )


@pytest.mark.full
@pytest.mark.timeout(3_600)  # the first waits for all of them
@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.rule)
def test_a_deleted_check_is_noticed(mutant: Mutant, runs: dict[str, Run]) -> None:
    done = runs[mutant.rule]
    assert done.code == 1, done.said
    assert f"FAILED {mutant.caught_by}" in done.said
