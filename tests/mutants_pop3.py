"""What happens when a check of POP3 is deleted: more rows for mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

POP3: Final = "tests/protocol/test_pop3_dialogue.py"
POP3_CAPABILITIES: Final = "tests/protocol/test_pop3_capabilities.py"
ATTACKS: Final = (
    "tests/session/test_attacks.py::test_an_attack_ends_as_it_must_and_nothing_private_leaves"
)
POP3_UTF8: Final = "tests/protocol/test_pop3_utf8.py"
POP3_UTF8_ON_THE_WIRE: Final = "tests/session/test_pop3_utf8.py"
POP3_LOST: Final = "tests/transports/test_pop3_lost.py"
POP3_MESSAGES: Final = "tests/transports/test_pop3_messages.py"
POP3_COMMANDS: Final = "tests/transports/test_pop3_commands.py"
MULTILINE: Final = "tests/wire/test_multiline.py"

POP3_MUTANTS: Final = (
    Mutant(
        "a timestamp from in front of TLS is answered",
        "protocol/machine.py",
        "        if before is State.GREETING and self._is_secured:\n",
        "        if before is State.GREETING:\n",
        "tests/session/test_apop.py::test_a_timestamp_from_before_tls_is_not_answered",
    ),
    Mutant(
        "anything in brackets is a timestamp",
        "wire/pop3.py",
        "len(found) == 1 and _TIMESTAMP.fullmatch(found[0]) is not None",
        "len(found) > 0",
        "tests/session/test_apop.py::test_a_timestamp_that_is_no_message_id_is_not_answered",
    ),
    Mutant(
        "APOP is used unasked",
        "sasl/choose.py",
        'frozenset({"CRAM-MD5", "APOP"})',
        'frozenset({"CRAM-MD5"})',
        "tests/sasl/test_choose.py::test_apop_is_for_who_names_it_and_where_there_is_a_timestamp",
    ),
    Mutant(
        "a digest that the server repeats shows",
        "aio/login.py",
        "                self._secrets.append(way.digest)\n",
        "",
        "tests/session/test_apop.py::"
        "test_a_digest_that_was_refused_is_not_followed_by_the_password_and_shows_nowhere",
    ),
    Mutant(
        "POP3's capabilities from before TLS come back with the login",
        "protocol/pop3.py",
        "        self._capabilities = None\n        self._listing = None\n",
        "        self._listing = None\n",
        f"{POP3_CAPABILITIES}::test_capabilities_from_before_tls_do_not_come_back_with_the_login",
    ),
    Mutant(
        "a POP3 reply that nothing asked for is taken",
        "protocol/pop3.py",
        "        if awaiting is _Awaiting.NOTHING:\n            raise",
        "        if False:\n            raise",
        f"{POP3}::test_the_reply_to_a_password_before_the_password_closes_the_connection",
    ),
    Mutant(
        "+OK is taken from before the command",
        "protocol/pop3.py",
        "        if awaiting is _Awaiting.NOTHING:\n            raise",
        "        if False:\n            raise",
        f"{POP3}::test_a_reply_before_its_command_closes_the_connection",
    ),
    Mutant(
        "a POP3 challenge is taken for any command",
        "protocol/pop3.py",
        "    if awaiting is not _Awaiting.AUTH:\n",
        "    if False:\n",
        f"{POP3}::test_a_challenge_that_nothing_asked_for_is_refused",
    ),
    Mutant(
        "USER is used though it is not listed",
        "protocol/pop3.py",
        'return not capabilities or "USER" in capabilities',
        "return True",
        f"{POP3_CAPABILITIES}::test_the_login_command_is_not_there_where_it_is_not_listed",
    ),
    Mutant(
        "UTF8 may be said in cleartext",
        "protocol/dialogue.py",
        '(RFC 6856 section 2.1)."""\n\n    intent: ClassVar[Intent] = Intent.AUTHENTICATE\n',
        '(RFC 6856 section 2.1)."""\n\n    intent: ClassVar[Intent] = Intent.DISCOVER\n',
        f"{POP3}::test_a_closed_gate_lets_no_byte_of_a_login_out",
    ),
    Mutant(
        "STLS may follow UTF8",
        "protocol/machine.py",
        "        if self.is_utf8 and target is State.UPGRADING:\n",
        "        if False:\n",
        f"{POP3_UTF8}::test_stls_does_not_follow_utf8",
    ),
    Mutant(
        "UTF8 is said to a server that does not offer it",
        "aio/exchange.py",
        "    if machine.offers_utf8:\n",
        "    if True:\n",
        f"{POP3_UTF8_ON_THE_WIRE}::"
        "test_utf8_is_asked_for_before_the_login_and_the_client_knows_the_answer",
    ),
    Mutant(
        "USER and PASS are said in UTF-8 to a server that takes ASCII",
        "sasl/choose.py",
        "    if not offer.login_command_takes_utf8 and not password.is_ascii:\n",
        "    if False:\n",
        f"{POP3_UTF8_ON_THE_WIRE}::"
        "test_user_and_pass_are_not_said_in_utf8_unless_the_server_takes_it",
    ),
    Mutant(
        "a long initial response is sent all the same",
        "protocol/pop3.py",
        "return length <= limits.POP3_COMMAND_BYTES",
        "return True",
        f"{POP3}::test_an_initial_response_goes_along_as_long_as_the_line_is_short_enough",
    ),
    Mutant(
        "leaving says QUIT",
        "transports/handover.py",
        "return Held(client, capabilities, _leave_without_a_word)",
        "return Held(client, capabilities, client.quit)",
        "tests/session/test_pop3_lost.py::test_leaving_without_quit_deletes_nothing",
    ),
    Mutant(
        "QUIT overtakes what is not answered",
        "transports/pop3.py",
        '_request("QUIT", may_overlap=False)',
        '_request("QUIT")',
        f"{POP3_LOST}::test_quit_is_not_sent_before_all_else_is_answered",
    ),
    Mutant(
        "a cancelled POP3 command leaves its answer to the next",
        "transports/pipeline.py",
        '                self.abort(_closed_because(request, "was cancelled or timed out"))\n',
        "                pass\n",
        f"{POP3_LOST}::test_a_cancelled_command_ends_the_session",
    ),
    Mutant(
        "a reply behind the last answer is the next command's",
        "transports/pipeline.py",
        "        if self._sent:\n            self._next_answer()\n\n",
        "        if self._sent:\n            self._next_answer()\n        self._send()\n\n",
        f"{POP3_LOST}::test_a_reply_that_came_with_the_one_before_is_not_taken_for_the_next_commands",
    ),
    Mutant(
        "half a reply before the command is forgotten",
        "transports/pipeline.py",
        "        if self._reader is not None and not self._sent:\n",
        "        if False:\n",
        f"{POP3_LOST}::test_half_a_reply_before_the_command_ends_the_session",
    ),
    Mutant(
        "bytes behind the POP3 login are passed over",
        "transports/pop3.py",
        "    if early:\n        pipeline.data_received(early)\n",
        "",
        f"{POP3_COMMANDS}::test_bytes_behind_the_login_reply_are_refused",
    ),
    Mutant(
        "a number may hold a command",
        "transports/pop3.py",
        "    if isinstance(number, bool) or not isinstance(number, int) or number < 1:\n",
        "    if False:\n",
        f"{POP3_COMMANDS}::test_what_is_no_number_is_not_sent",
    ),
    Mutant(
        "a language may hold a command",
        "transports/pop3.py",
        "        if not _LANGUAGE.fullmatch(tag):\n",
        "        if False:\n",
        f"{POP3_COMMANDS}::test_what_is_no_language_is_not_sent",
    ),
    Mutant(
        "a POP3 answer may go on for ever",
        "transports/request.py",
        "        if self.max_bytes is not None and self.size > self.max_bytes:\n",
        "        if False:\n",
        f"{POP3_COMMANDS}::test_an_answer_without_end_is_refused_at_its_limit",
    ),
    Mutant(
        "what waits to be taken is not bounded",
        "transports/pipeline.py",
        "        if self._held > (limit := limits.ANSWER_BYTES):\n",
        "        if False and (limit := 0):\n",
        f"{POP3_MESSAGES}::test_all_that_waits_to_be_taken_is_bounded",
    ),
    Mutant(
        "a stream is read ahead of the program",
        "transports/pipeline.py",
        "            self._transport.pause_reading()\n",
        "            pass\n",
        f"{POP3_MESSAGES}::test_nothing_is_read_while_nobody_takes_what_has_come",
    ),
    Mutant(
        "a POP3 status line may go on for ever",
        "wire/multiline.py",
        "        if (end if end >= 0 else len(line) - 1) > limits.POP3_STATUS_BYTES:\n",
        "        if False:\n",
        f"{MULTILINE}::test_a_status_line_at_the_limit_passes_and_one_octet_more_does_not",
    ),
    Mutant(
        "the end of a text is looked for in each piece alone",
        "wire/multiline.py",
        '            self._held = next(filter(text.endswith, _BEGINNINGS), b"")\n',
        '            self._held = b""\n',
        f"{MULTILINE}::test_any_text_comes_out_as_it_went_in_however_it_is_cut",
    ),
    Mutant(
        "STLS may be followed by anything",
        "protocol/machine.py",
        "        if len(self._buffer):\n",
        "        if False:\n",
        f"{ATTACKS}[POP3, STARTTLS: one octet behind the reply]",
    ),
    Mutant(
        "the beginning of a POP3 line is dropped when the next command is sent",
        "transports/pipeline.py",
        "            if self._waiting:\n                self._end_if_early()\n",
        "",
        f"{POP3_LOST}::test_a_line_that_begins_before_the_next_command_is_sent_ends_the_session",
    ),
)
