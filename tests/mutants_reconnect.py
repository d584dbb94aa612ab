"""The rules on what is assumed of a server seen before, deleted one by one; see mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

KNOWN: Final = "tests/aio/test_known.py"
PROXY: Final = "tests/session/test_proxy.py"
CONFIRMING: Final = "tests/protocol/test_confirming.py"
RECONNECT: Final = "tests/session/test_reconnect.py"

RECONNECT_MUTANTS: Final = (
    Mutant(
        "capabilities heard in cleartext are assumed",
        "protocol/machine.py",
        '        if not self._is_secured:\n            raise UsageError("nothing',
        '        if False:\n            raise UsageError("nothing',
        f"{CONFIRMING}::test_nothing_is_assumed_in_cleartext",
    ),
    Mutant(
        "what a weaker connection heard is assumed",
        "aio/known.py",
        "seen.capabilities if seen.standing == Standing.of(proof) else None",
        "seen.capabilities",
        f"{RECONNECT}::test_another_certificate_of_the_server_is_another_server",
    ),
    Mutant(
        "the certificate is no part of what a server stands as",
        "policy/assumption.py",
        "            chain=proof.chain,\n",
        "            chain=(),\n",
        f"{KNOWN}::test_nothing_is_assumed_on_another_proof",
    ),
    Mutant(
        "a TLS session made through one proxy is taken up again through another",
        "tls/resumption.py",
        "            proxy=account.proxy,\n",
        "            proxy=None,\n",
        f"{PROXY}::test_a_tls_session_is_taken_up_again_only_through_the_proxy_it_was_made_through",
    ),
    Mutant(
        "a proof below the minimum is good enough for an assumption",
        "aio/known.py",
        "if seen is None or not may_assume(self.policy, proof):",
        "if seen is None:",
        f"{KNOWN}::test_a_proof_that_is_too_little_by_now_recalls_nothing",
    ),
    Mutant(
        "something is assumed for an account without a minimum",
        "policy/assumption.py",
        "return policy.has_minimum and may_resume(policy, proof)",
        "return may_resume(policy, proof)",
        f"{RECONNECT}::test_without_a_minimum_nothing_is_assumed",
    ),
    Mutant(
        "what the server lists is not compared with what was assumed",
        "aio/connection.py",
        "if self.machine.assumed != self.machine.capabilities:",
        "if False:",
        f"{RECONNECT}::test_a_mechanism_that_is_gone_is_not_used_after_the_server_has_said_so",
    ),
    Mutant(
        "a server that changes its mind costs two connections each time",
        "aio/connection.py",
        "                self._prepared.known.bar()",
        "                pass",
        f"{RECONNECT}::test_a_server_that_lists_something_else_is_connected_to_anew_and_nothing_assumed",
    ),
    Mutant(
        "two commands are sent to a POP3 server that takes one",
        "protocol/pop3.py",
        'return "PIPELINING" in capabilities',
        "return True",
        f"{RECONNECT}::test_a_server_that_cannot_take_two_commands_gets_one",
    ),
    Mutant(
        "a login in one flight with the capabilities is for discovery only",
        "protocol/dialogue.py",
        "    intent: ClassVar[Intent] = Intent.AUTHENTICATE\n    authenticate: Authenticate",
        "    intent: ClassVar[Intent] = Intent.DISCOVER\n    authenticate: Authenticate",
        f"{CONFIRMING}::test_the_gate_is_asked_for_the_login_and_nothing_is_sent",
    ),
    Mutant(
        "on the second connection the same may be assumed again",
        "session.py",
        "log_in(utf8=utf8, may_assume=False)",
        "log_in(utf8=utf8)",
        f"{RECONNECT}"
        "::test_on_the_second_connection_nothing_is_assumed_whatever_else_is_remembered",
    ),
    Mutant(
        "a server that breaks at two commands at once gets them at each connect",
        "aio/connection.py",
        "        except SecureMailError:\n            # It may be two",
        "        except OutdatedError:\n            # It may be two",
        f"{RECONNECT}::test_after_two_commands_at_once_that_failed_it_gets_one",
    ),
    Mutant(
        "that there is no way to log in is concluded from what is only assumed",
        "aio/connection.py",
        "if self.machine.capabilities is None and not login.has_way:",
        "if False:",
        f"{RECONNECT}"
        "::test_a_server_is_asked_before_an_account_that_has_changed_is_told_that_it_cannot_log_in",
    ),
)
