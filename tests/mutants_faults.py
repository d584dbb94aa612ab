"""Mutants of what faults and cancellations have found: see `mutants.py`."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

GIVING_UP: Final = "tests/transports/test_imap_giving_up.py"
PACED: Final = "tests/aio/test_paced.py"
IDLE: Final = "tests/transports/test_imap_idle.py"
CANCELLED: Final = "tests/faults/test_cancellation.py"
POOLS: Final = "tests/faults/test_pool_cancellation.py"
WATCHES: Final = "tests/faults/test_watch_cancellation.py"

FAULT_MUTANTS: Final = (
    Mutant(
        "the end of an IDLE has no time limit",
        "transports/conversation.py",
        "            idle.timer = self._loop.call_later(timeout_s, self.expire, idle, timeout_s)\n",
        "",
        f"{GIVING_UP}::test_an_idle_that_the_server_does_not_end_in_time_ends_the_session",
    ),
    Mutant(
        "a message goes on into a socket that has failed",
        "aio/transport.py",
        "        return self._is_closing or (self._raw is not None and self._raw.is_closing())\n",
        "        return self._is_closing\n",
        "tests/aio/test_transport.py::test_a_socket_that_fails_is_seen_before_anybody_is_told",
    ),
    Mutant(
        "a cancelled idle_start leaves an IDLE behind",
        "transports/imap.py",
        "            await cancelled(idle)\n            raise\n",
        "            raise\n",
        f"{IDLE}::test_an_idle_start_that_is_cancelled_never_leaves_an_idle_behind",
    ),
    Mutant(
        "an upgrade that is cancelled before a word was said leaves the session open",
        "session.py",
        "                    self._transport.abort()  # be it before a word was said\n",
        "",
        f"{CANCELLED}::test_an_upgrade_can_be_cancelled_while_its_context_is_built",
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
    Mutant(
        "cleartext waits for the next turn",
        "aio/paced.py",
        "(self._turns.is_over and self._transport.is_encrypted)",
        "self._turns.is_over",
        f"{PACED}::test_before_tls_nothing_waits",
    ),
    Mutant(
        "a server fills memory with what waits for the next turn",
        "aio/paced.py",
        "        if len(self._data) > _WAITING_BYTES:\n            self._read_waiting()\n",
        "",
        f"{PACED}::test_a_server_cannot_fill_memory_with_what_waits",
    ),
    Mutant(
        "what follows something that waits overtakes it",
        "aio/paced.py",
        "return self._is_waiting or (",
        "return (",
        f"{PACED}::test_what_follows_something_that_waits_waits_behind_it",
    ),
)
