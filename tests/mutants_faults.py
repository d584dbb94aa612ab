"""Mutants of what faults and cancellations have found: see `mutants.py`."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

GIVING_UP: Final = "tests/transports/test_imap_giving_up.py"
IDLE: Final = "tests/transports/test_imap_idle.py"
POOLS: Final = "tests/faults/test_pool_cancellation.py"
WATCHES: Final = "tests/faults/test_watch_cancellation.py"

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
    Mutant(
        "closing a pool, cancelled, leaves its sessions open",
        "pool/pool.py",
        "            for session in self._made_at:\n                session.abort()\n",
        "",
        f"{POOLS}::test_closing_a_pool_can_be_cancelled_at_each_await",
    ),
    Mutant(
        "who is cancelled before a session is ready keeps the place",
        "pool/pool.py",
        "                session.abort()\n            self._drop(key)\n            raise\n",
        "                session.abort()\n            raise\n",
        f"{POOLS}::test_who_uses_a_pool_can_be_cancelled_at_each_await",
    ),
    Mutant(
        "a place that comes to who was cancelled is lost",
        "pool/pool.py",
        "                self._give_back(key, ticket.result())\n",
        "                pass\n",
        f"{POOLS}::test_who_uses_a_pool_can_be_cancelled_at_each_await",
    ),
    Mutant(
        "a watch that is cancelled as an answer comes forgets what was pushed",
        "watching/imap.py",
        "            self._commands.forgot()\n",
        "            pass\n",
        f"{WATCHES}::test_a_watch_can_be_cancelled_at_each_await_and_taken_up_again",
    ),
)
