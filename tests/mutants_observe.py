"""The rules of observers, each taken out once. `tests/mutants.py` says how the rows are read."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

FIELDS: Final = "tests/test_events.py"
SESSION: Final = "tests/session/test_events.py"

OBSERVE_MUTANTS: Final = (
    Mutant(
        "an event has room for a server's words",
        "events.py",
        "    reason: CertificateReason | DiscoveryReason | None = None\n",
        "    reason: CertificateReason | DiscoveryReason | str | None = None\n",
        f"{FIELDS}::test_no_event_has_a_field_that_could_hold_a_secret",
    ),
    Mutant(
        "an observer that raises ends the session",
        "aio/reporter.py",
        "        except Exception:",
        "        except ArithmeticError:",
        f"{SESSION}::test_an_observer_that_raises_is_logged_once_and_the_session_goes_on",
    ),
    Mutant(
        "an observer that raises is not heard of",
        "aio/reporter.py",
        '                _log.exception("an observer raised; the session goes on")\n',
        "                pass\n",
        f"{SESSION}::test_an_observer_that_raises_is_logged_once_and_the_session_goes_on",
    ),
    Mutant(
        "refusals are not told",
        "aio/reporter.py",
        "            if isinstance(exc, PolicyError):\n",
        "            if False:\n",
        f"{SESSION}::test_a_refusal_tells_every_shortfall",
    ),
)
