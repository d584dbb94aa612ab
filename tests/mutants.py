"""What happens when a security check is deleted: the list, as data.

Each row takes one rule out of the library. `test_mutants.py` applies them one by one to a copy and
wants the tests named beside it to go red.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` in `path` (below src/securemail) becomes `after`, and `caught_by` must notice."""

    rule: str
    path: str
    before: str
    after: str
    caught_by: str


GATE: Final = "tests/policy/test_gate.py"
PROOF: Final = "tests/policy/test_confidentiality.py"
IMAP_REPLIES: Final = "tests/protocol/test_imap_replies.py"
IMAP_STARTTLS: Final = "tests/protocol/test_imap_starttls.py"
CLEARTEXT: Final = "tests/session/test_cleartext_attacks.py"
EXCHANGE: Final = "tests/session/test_key_exchange.py"
STEPS: Final = "tests/session/test_steps.py"
TRANSPORT: Final = "tests/aio/test_transport.py"
TROUBLE: Final = "tests/session/test_after_trouble.py"
CHOOSE: Final = "tests/sasl/test_choose.py"
MODEL: Final = "tests/protocol/test_gate_model.py"

MUTANTS: Final = (
    Mutant(
        "the machine does not ask the gate before it sends",
        "protocol/machine.py",
        "        self._gate(command.intent)\n",
        "",
        f"{MODEL}::test_no_sequence_of_words_and_calls_gets_anything_past_the_gate",
    ),
    Mutant(
        "the gate lets logins pass below the minimum",
        "policy/gate.py",
        "frozenset({Intent.DISCOVER, Intent.UPGRADE})",
        "frozenset({Intent.DISCOVER, Intent.UPGRADE, Intent.AUTHENTICATE})",
        f"{GATE}::test_below_the_minimum_only_discovery_and_upgrade_pass",
    ),
    Mutant(
        "the gate lets use pass below the minimum",
        "policy/gate.py",
        "frozenset({Intent.DISCOVER, Intent.UPGRADE})",
        "frozenset({Intent.DISCOVER, Intent.UPGRADE, Intent.USE})",
        f"{GATE}::test_the_gate_is_closed_as_long_as_there_is_no_tls",
    ),
    Mutant(
        "cleartext is good enough",
        "policy/confidentiality.py",
        "return frozenset({Shortfall.NO_TLS})",
        "return frozenset()",
        f"{GATE}::test_the_gate_is_closed_as_long_as_there_is_no_tls",
    ),
    Mutant(
        "a certificate need not be validated",
        "policy/confidentiality.py",
        "        yield Shortfall.CERTIFICATE\n",
        "        return\n",
        f"{GATE}::test_the_gate_is_closed_for_a_certificate_that_was_not_validated",
    ),
    Mutant(
        "a pin counts as confidential",
        "policy/confidentiality.py",
        "        yield Shortfall.PINNED\n",
        "        pass\n",
        f"{PROOF}::test_shortfalls_are_what_the_policy_asks_for_and_the_proof_lacks",
    ),
    Mutant(
        "the policy's TLS version is not looked at",
        "policy/confidentiality.py",
        "proof.tls_version < policy.minimum_tls",
        "False",
        f"{PROOF}::test_shortfalls_are_what_the_policy_asks_for_and_the_proof_lacks",
    ),
    Mutant(
        "a lock is shown for an unauthenticated connection",
        "policy/confidentiality.py",
        "    if Shortfall.CERTIFICATE in missing:\n",
        "    if not missing:\n",
        f"{PROOF}::test_the_level_follows_from_the_facts_and_no_policy_raises_it",
    ),
    Mutant(
        "the dialogue does not ask the gate",
        "protocol/machine.py",
        "        self._gate(command.intent)\n",
        "",
        f"{IMAP_REPLIES}::test_a_closed_gate_lets_no_byte_of_a_login_out",
    ),
    Mutant(
        "bytes behind the STARTTLS reply are kept",
        "protocol/machine.py",
        "        if len(self._buffer):\n",
        "        if False:\n",
        f"{IMAP_STARTTLS}::test_bytes_behind_the_starttls_reply_close_the_connection",
    ),
    Mutant(
        "bytes between the reply and the handshake are kept",
        "protocol/machine.py",
        "        if self.state is State.HANDSHAKING:\n            raise",
        "        if False:\n            raise",
        f"{IMAP_STARTTLS}::test_bytes_between_the_starttls_reply_and_the_handshake_close_the_connection",
    ),
    Mutant(
        "capabilities outlive STARTTLS",
        "protocol/machine.py",
        "        self._is_secured = True\n        self.capabilities = None\n",
        "        self._is_secured = True\n",
        f"{IMAP_STARTTLS}::test_what_was_learnt_before_tls_is_forgotten_after_it",
    ),
    Mutant(
        "capabilities in the making outlive STARTTLS",
        "protocol/imap.py",
        '        """Drop what was said before TLS."""\n        self._learnt = None\n',
        '        """Drop what was said before TLS."""\n',
        f"{IMAP_STARTTLS}::test_capabilities_in_the_making_are_forgotten_after_tls",
    ),
    Mutant(
        "PREAUTH in cleartext is a login",
        "protocol/machine.py",
        "            if not self._is_secured:\n",
        "            if False:\n",
        f"{IMAP_STARTTLS}::test_preauth_in_cleartext_is_refused_without_a_minimum_too",
    ),
    Mutant(
        "PREAUTH inside TLS does not ask the gate",
        "protocol/machine.py",
        "            self._gate(Intent.USE)\n        if",
        "        if",
        f"{IMAP_STARTTLS}::test_preauth_inside_tls_below_the_minimum_is_refused",
    ),
    Mutant(
        "any tag will do",
        "protocol/imap.py",
        "        if status.tag != self._tag:\n",
        "        if False:\n",
        f"{IMAP_STARTTLS}::test_a_reply_with_a_tag_that_is_not_ours_closes_the_connection",
    ),
    Mutant(
        "replies before the command are taken",
        "protocol/machine.py",
        "        self._refuse_premature_reply()\n",
        "",
        f"{IMAP_STARTTLS}::test_bye_is_passed_on_with_its_words_whenever_it_comes",
    ),
    Mutant(
        "mailbox data in cleartext is skipped over",
        "protocol/imap.py",
        "                if not is_secured:\n",
        "                if False:\n",
        f"{IMAP_STARTTLS}::test_mailbox_data_in_cleartext_closes_the_connection",
    ),
    Mutant(
        "lines before login are not counted",
        "protocol/machine.py",
        "        if self._lines > limits.LOGIN_UNTAGGED_LINES:\n",
        "        if False:\n",
        f"{IMAP_REPLIES}::test_untagged_lines_at_the_limit_pass_and_one_more_does_not",
    ),
    Mutant(
        "bytes before login are not counted",
        "wire/buffer.py",
        "        if self._total > self._max_total:\n",
        "        if False:\n",
        "tests/wire/test_buffer.py::test_all_that_a_server_may_say_is_bounded",
    ),
    Mutant(
        "a lone CR or LF is let pass",
        "wire/buffer.py",
        'any(stray in line for stray in (b"\\r", b"\\n", b"\\0"))',
        "False",
        "tests/wire/test_buffer.py::test_a_lone_cr_or_lf_or_a_nul_in_a_line_is_refused",
    ),
    Mutant(
        "no close alert is sent",
        "aio/transport.py",
        "            self._engine.close()\n",
        "            pass\n",
        f"{STEPS}::test_closing_logs_out_and_sends_a_close_alert",
    ),
    Mutant(
        "with implicit TLS the first bytes are taken as cleartext",
        "aio/transport.py",
        "        if self._engine is None:\n            self._deliver(bytes(data))\n",
        "        if self._engine is None or not self._engine.is_established:\n"
        "            self._deliver(bytes(data))\n",
        f"{TRANSPORT}::test_with_implicit_tls_no_byte_is_taken_as_cleartext",
    ),
    Mutant(
        "a refused STARTTLS is accepted",
        "aio/connection.py",
        "(missing := self.gate.shortfalls)",
        "(missing := frozenset[Shortfall]())",
        f"{CLEARTEXT}::test_the_refusal_of_a_stripped_upgrade_says_what_is_missing",
    ),
    Mutant(
        "the session does not ask the gate before it hands the client over",
        "session.py",
        "        self._gate(Intent.USE)\n        if self._held is None:\n",
        "        if self._held is None:\n",
        f"{STEPS}::test_in_cleartext_the_client_and_the_login_are_refused_and_nothing_is_sent",
    ),
    Mutant(
        "without TLS the password is shown unasked",
        "sasl/choose.py",
        "    if name in _SHOWING and not offer.is_encrypted and not is_named:\n",
        "    if False:\n",
        f"{CHOOSE}::test_without_tls_a_password_is_not_shown_even_without_a_minimum",
    ),
    Mutant(
        "EXTERNAL is tried though nobody saw the certificate",
        "sasl/choose.py",
        "    elif not offer.client_certificate_sent:\n",
        "    elif False:\n",
        f"{CHOOSE}::test_external_needs_a_certificate_that_the_server_has_seen",
    ),
    Mutant(
        "LOGINDISABLED is ignored",
        "protocol/imap.py",
        'return "LOGINDISABLED" not in capabilities',
        "return True",
        "tests/session/test_login.py::test_the_login_command_is_not_used_where_it_is_disabled",
    ),
    Mutant(
        "a cancelled step leaves the session open",
        "aio/driver.py",
        "            self.transport.abort()\n            raise\n",
        "            raise\n",
        f"{TROUBLE}::test_a_cancelled_step_closes_the_session",
    ),
    Mutant(
        "a server need not read the answers that it makes us give",
        "aio/transport.py",
        "        self._check_reading()\n",
        "",
        "tests/aio/test_flood.py::test_answers_that_nobody_reads_end_the_connection",
    ),
    Mutant(
        "a server's words repeat the password",
        "aio/login.py",
        "redact(outcome.words, self._known)",
        "outcome.words",
        f"{TROUBLE}::test_a_password_that_the_server_echoes_is_not_repeated",
    ),
    Mutant(
        "a certificate's text goes into messages as it is",
        "wire/text.py",
        'c if c.isprintable() else "\\N{REPLACEMENT CHARACTER}"',
        "c",
        "tests/tls/test_handshake.py::"
        "test_a_certificates_text_cannot_steer_a_terminal_or_flood_a_message",
    ),
    Mutant(
        "who asks for a post-quantum key exchange shows the client certificate without",
        "policy/confidentiality.py",
        "    if policy.require_post_quantum and not is_post_quantum(group):\n        return",
        "    if False:\n        return",
        f"{EXCHANGE}::"
        "test_a_server_without_the_hybrid_group_sees_no_client_certificate_and_no_command",
    ),
    Mutant(
        "the record hides that the hybrid group was left out",
        "aio/secure.py",
        "        without_hybrid=not hello.is_hybrid,\n",
        "",
        f"{EXCHANGE}::test_where_the_hybrid_group_is_dropped_the_record_says_that_it_was_left_out",
    ),
    Mutant(
        "a secret shows",
        "secret.py",
        "        return REDACTED\n\n    __str__ = __repr__\n\n    def __format__",
        "        return self._text\n\n    __str__ = __repr__\n\n    def __format__",
        "tests/test_account.py::test_a_secret_does_not_show",
    ),
    Mutant(
        "data may stand in front of IMAP's greeting",
        "protocol/imap.py",
        "        if isinstance(response, Data) and not self._is_greeted:\n",
        "        if False:\n",
        f"{IMAP_STARTTLS}::test_data_instead_of_a_greeting_closes_the_connection",
    ),
)
