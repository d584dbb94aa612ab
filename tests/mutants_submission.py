"""What happens when a check of submission is deleted: see mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

SUBMISSION: Final = "tests/protocol/test_submission_dialogue.py"
UPGRADE: Final = "tests/session/test_submission_upgrade.py"
SUBMIT: Final = "tests/session/test_submit.py"
OUTCOMES: Final = "tests/session/test_submit_outcomes.py"
LOST: Final = "tests/session/test_submission_lost.py"
ENVELOPE: Final = "tests/transports/test_envelope.py"
EXTENSIONS: Final = "tests/transports/test_envelope_extensions.py"

SUBMISSION_MUTANTS: Final = (
    Mutant(
        "a reply of a submission server before the command is taken",
        "protocol/submission.py",
        "        if self._asked is _Asked.NOTHING and self._answering.code != _CLOSING:\n",
        "        if False:\n",
        f"{SUBMISSION}::test_a_reply_before_the_command_closes_the_connection",
    ),
    Mutant(
        "the codes of a reply may differ",
        "wire/smtp.py",
        "        if self._lines and code != self.code:\n",
        "        if False:\n",
        f"{SUBMISSION}::test_the_codes_of_a_reply_must_agree",
    ),
    Mutant(
        "EHLO says the configured name in cleartext",
        "protocol/submission.py",
        '(self._name if is_open else "")',
        "self._name",
        f"{SUBMISSION}::test_the_configured_name_is_said_inside_tls_and_not_before",
    ),
    Mutant(
        "EHLO says the configured name below the minimum",
        "protocol/machine.py",
        "        except PolicyError:\n            return False\n",
        "        except PolicyError:\n            pass\n",
        f"{UPGRADE}::test_the_configured_name_is_not_said_below_the_minimum_though_inside_tls",
    ),
    Mutant(
        "STARTTLS is sent without EHLO",
        "session.py",
        "        if self.service in DISCOVER_BEFORE_UPGRADE:\n",
        "        if False:\n",
        f"{UPGRADE}::test_an_honest_upgrade_says_ehlo_and_starttls_in_cleartext_and_not_a_byte_more",
    ),
    Mutant(
        "AUTH takes more than a command may have",
        "protocol/submission.py",
        " <= limits.COMMAND_BYTES\n",
        " < 100_000\n",
        f"{SUBMISSION}::test_an_initial_response_keeps_within_the_512_octets_of_a_command",
    ),
    Mutant(
        "what follows the login is given to the client",
        "transports/submission.py",
        "    if handover.early:\n",
        "    if False:\n",
        f"{UPGRADE}::test_what_follows_the_login_unasked_is_refused",
    ),
    Mutant(
        "the client connects by itself, without a gate",
        "transports/submission.py",
        'raise UsageError("make a new session with connect_submission()", field="connect")\n',
        "await super().connect(**options)\n",
        f"{SUBMIT}::test_a_client_does_not_connect_or_log_in_by_itself",
    ),
    Mutant(
        "an answer that nobody asked for is kept",
        "transports/exchange.py",
        "        elif answer.code != _CLOSING:\n",
        "        elif False:\n",
        f"{LOST}::test_an_answer_that_nobody_asked_for_ends_the_session",
    ),
    Mutant(
        "an empty message is sent to somebody",
        "transports/transaction.py",
        "        if told.is_for_somebody:\n            self.exchange.abort()\n",
        "",
        f"{OUTCOMES}::test_an_empty_message_is_never_sent_to_somebody",
    ),
    Mutant(
        "a command of somebody else becomes a line of the message",
        "transports/transaction.py",
        "        async with self.exchange.turn:\n",
        "        if True:\n",
        f"{OUTCOMES}::test_nobody_else_speaks_between_data_and_the_message",
    ),
    Mutant(
        "a cancelled command leaves the connection open",
        "transports/exchange.py",
        'was cancelled"\n            self._abort(',
        'was cancelled"\n            str(',
        f"{LOST}::test_a_cancelled_command_ends_the_session",
    ),
    Mutant(
        "a lost answer to a message looks like a lost line",
        "transports/exchange.py",
        '            raise UnknownOutcome(f"{_UNKNOWN}: {exc}") from exc\n',
        "            raise\n",
        f"{OUTCOMES}::test_after_the_end_of_the_data_nobody_knows",
    ),
    Mutant(
        "a cancelled wait for the answer to a message says nothing",
        "transports/exchange.py",
        'exc.__cause__ = UnknownOutcome(f"{_UNKNOWN}: {self.peer} was not waited for")\n',
        "pass\n",
        f"{OUTCOMES}::test_a_cancellation_after_the_end_of_the_data_says_that_nobody_knows",
    ),
    Mutant(
        "dots at line starts end the message",
        "wire/smtp.py",
        '        yield stuffing + piece.replace(b"\\n.", b"\\n..")\n',
        "        yield piece\n",
        f"{ENVELOPE}::test_dots_are_stuffed_and_the_last_line_is_ended",
    ),
    Mutant(
        "line ends that servers read differently are sent",
        "transports/outgoing.py",
        "    if has_cr:\n        _refuse_strays(data)\n",
        "",
        f"{ENVELOPE}::test_a_line_end_that_servers_read_differently_is_refused",
    ),
    Mutant(
        "an address may be more than an address",
        "transports/envelope.py",
        "        or not _ADDRESS.match(address)\n",
        "",
        f"{ENVELOPE}::test_an_address_that_would_be_more_than_an_address_is_refused",
    ),
    Mutant(
        "Bcc is sent",
        "transports/outgoing.py",
        '    head = _BLIND.sub(b"", head)\n',
        "",
        f"{ENVELOPE}::test_bcc_is_not_sent",
    ),
    Mutant(
        "REQUIRETLS is said to servers that do not know it",
        "transports/envelope.py",
        '    abilities.need("REQUIRETLS", "require_tls=True")\n',
        "",
        f"{EXTENSIONS}::test_requiretls_is_said_or_the_message_does_not_go",
    ),
    Mutant(
        "REQUIRETLS begins in cleartext",
        "transports/envelope.py",
        "    if not abilities.is_encrypted:\n",
        "    if False:\n",
        f"{EXTENSIONS}::test_requiretls_without_tls_is_refused_though_it_is_offered",
    ),
    Mutant(
        "8 bits go where they cannot",
        "transports/envelope.py",
        '        abilities.need("8BITMIME", "a message in 8 bits")\n',
        "",
        f"{EXTENSIONS}::test_bytes_in_8_bits_are_refused_where_they_cannot_go",
    ),
    Mutant(
        "SIZE is not looked at",
        "transports/envelope.py",
        "    if limit is not None and out.size > limit:\n",
        "    if False:\n",
        f"{EXTENSIONS}::test_size_is_said_and_checked_before_anything_is_sent",
    ),
    Mutant(
        "a message goes to those recipients alone that could be read",
        "transports/outgoing.py",
        "        if any(_UNREAD in str(defect) for defect in value.defects):\n",
        "        if False:\n",
        f"{ENVELOPE}::test_a_list_that_was_not_read_to_its_end_is_refused",
    ),
)
