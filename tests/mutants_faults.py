"""Mutants of what faults and cancellations have found: see `mutants.py`."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

GIVING_UP: Final = "tests/transports/test_imap_giving_up.py"
IDLE: Final = "tests/transports/test_imap_idle.py"

FAULT_MUTANTS: Final = (
    Mutant(
        "the end of an IDLE has no time limit",
        "transports/conversation.py",
        "            idle.timer = self._loop.call_later(timeout_s, self._late, idle, timeout_s)\n",
        "",
        f"{GIVING_UP}::test_an_idle_that_the_server_does_not_end_in_time_ends_the_session",
    ),
    Mutant(
        "a cancelled idle_start leaves an IDLE behind",
        "transports/imap.py",
        "            await cancelled(idle)\n            raise\n",
        "            raise\n",
        f"{IDLE}::test_an_idle_start_that_is_cancelled_never_leaves_an_idle_behind",
    ),
)
