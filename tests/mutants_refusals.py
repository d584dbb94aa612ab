"""Refusals that had no mutant until each place that refuses was counted; see mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import GATE, PROOF, STEPS, Mutant

DIALOGUE: Final = "tests/protocol/test_imap_dialogue.py"
IMAP_STARTTLS: Final = "tests/protocol/test_imap_starttls.py"
EXCEPTIONS: Final = "tests/tls/test_revocation_exceptions.py"
STAPLES: Final = "tests/tls/test_revocation.py"
NAME: Final = "tests/protocol/test_submission_name.py"
SUBMISSION: Final = "tests/protocol/test_submission_dialogue.py"

REFUSAL_MUTANTS: Final = (
    Mutant(
        "a policy that asks for a post-quantum key exchange is content without",
        "policy/confidentiality.py",
        "    if policy.require_post_quantum and not is_post_quantum(proof.group):\n        yield",
        "    if False:\n        yield",
        f"{PROOF}::test_shortfalls_are_what_the_policy_asks_for_and_the_proof_lacks",
    ),
    Mutant(
        "a certificate that TLS 1.2 would show is no shortfall",
        "policy/confidentiality.py",
        "        yield Shortfall.CLIENT_CERTIFICATE_VISIBLE\n",
        "        return\n",
        f"{PROOF}::test_shortfalls_are_what_the_policy_asks_for_and_the_proof_lacks",
    ),
    Mutant(
        "the gate is asked and lets everything pass",
        "policy/gate.py",
        "        if not is_allowed(intent, missing):\n",
        "        if False:\n",
        f"{GATE}::test_the_gate_is_closed_as_long_as_there_is_no_tls",
    ),
    Mutant(
        "where a pin is all that there is, cleartext is open to everything",
        "policy/gate.py",
        "        if self.must_encrypt and self.proof is None:\n",
        "        if False:\n",
        f"{GATE}::test_where_a_pin_is_nothing_private_is_said_before_tls",
    ),
    Mutant(
        "the session does not ask the gate before it logs in",
        "session.py",
        "            self._gate(Intent.AUTHENTICATE)\n",
        "",
        f"{STEPS}::test_in_cleartext_the_client_and_the_login_are_refused_and_nothing_is_sent",
    ),
    Mutant(
        "a staple that has run out since is good",
        "tls/revocation.py",
        "            if status.until is not None and not is_over(status.until, now):\n",
        "            if status.until is not None:\n",
        f"{STAPLES}::test_what_was_good_is_not_when_the_staple_has_run_out",
    ),
    Mutant(
        "trouble while judging a staple lets it pass",
        "tls/revocation.py",
        "handshake.refuse(Finding(CertificateReason.MALFORMED, chain[0], printable(str(exc))))",
        "del exc",
        f"{STAPLES}::test_trouble_while_judging_a_staple_is_a_refusal",
    ),
    Mutant(
        "that a certificate is revoked is not said where nobody vouches for it",
        "tls/revocation.py",
        "(handshake.is_authenticated or found.reason is CertificateReason.REVOKED)",
        "handshake.is_authenticated",
        f"{EXCEPTIONS}::test_of_a_certificate_that_nobody_vouches_for_only_revoked_is_worth_saying",
    ),
    Mutant(
        "a continuation that nothing asked for is passed over",
        "protocol/imap.py",
        "        if not self._parts:\n",
        "        if False:\n",
        f"{DIALOGUE}::test_a_continuation_of_a_login_that_has_no_more_parts_is_refused",
    ),
    Mutant(
        "PREAUTH after the greeting is a remark",
        "protocol/imap.py",
        "        if status.condition is Condition.PREAUTH:\n            raise",
        "        if False:\n            raise",
        f"{IMAP_STARTTLS}::test_preauth_after_the_greeting_closes_the_connection",
    ),
    Mutant(
        "a server may go on with challenges",
        "protocol/machine.py",
        "        if self._rounds > limits.SASL_ROUNDS:\n",
        "        if False:\n",
        f"{DIALOGUE}::test_challenges_at_the_limit_pass_and_one_more_does_not",
    ),
    Mutant(
        "a list of capabilities that never came is an empty one",
        "protocol/machine.py",
        "        if self.capabilities is None:\n            raise ProtocolError",
        "        if False:\n            raise ProtocolError",
        f"{DIALOGUE}::test_an_answer_to_capability_without_a_list_is_refused",
    ),
    Mutant(
        "a code that answers something else is taken for a yes",
        "protocol/submission.py",
        '                raise ProtocolError(f"{said!r} is no answer to {asked.value}")\n',
        "                return Reply(Kind.OK, words=said)\n",
        f"{SUBMISSION}::test_a_code_that_answers_something_else_closes_the_connection",
    ),
    Mutant(
        "of a challenge of several lines the first is taken",
        "protocol/submission.py",
        "    if len(answer.lines) != 1:\n        raise",
        "    if False:\n        raise",
        f"{SUBMISSION}::test_a_challenge_of_two_lines_is_refused",
    ),
    Mutant(
        "a line may have any length",
        "wire/buffer.py",
        "        if (end if end >= 0 else len(self._data)) > self._max_line:\n",
        "        if False:\n",
        "tests/wire/test_buffer.py::test_a_line_at_the_limit_passes_and_one_byte_more_does_not",
    ),
    Mutant(
        "inside TLS below the minimum EHLO says the account's name",
        "protocol/machine.py",
        "            self._gate(Intent.USE)\n        except PolicyError:\n            return",
        "            pass\n        except PolicyError:\n            return",
        f"{NAME}::test_inside_tls_below_the_minimum_the_configured_name_is_not_said",
    ),
    Mutant(
        "a server may ask for a certificate after the handshake",
        "tls/context.py",
        "    context.set_min_proto_version(_MINIMUM[key.minimum_tls])\n",
        "    context.set_min_proto_version(_MINIMUM[key.minimum_tls])\n"
        "    SSL._lib.SSL_CTX_set_post_handshake_auth(context._context, 1)\n",
        "tests/tls/test_late_requests.py::"
        "test_no_server_can_ask_for_a_certificate_after_the_handshake",
    ),
)
