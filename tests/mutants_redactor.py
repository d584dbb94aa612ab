"""What happens when a secret is not taken out of a server's words: more rows for mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

AFTER: Final = "tests/session/test_secrets_after.py"
REDACTOR: Final = "tests/sasl/test_redactor.py"
LOGIN: Final = "tests/aio/test_login.py"

REDACTOR_MUTANTS: Final = (
    Mutant(
        "what is cut in the middle of a secret shows its beginning behind the login",
        "sasl/redactor.py",
        "            end = max(0, end - self._lengths[-1] - _BEHIND_CHARS)\n",
        "",
        f"{REDACTOR}::test_a_secret_where_words_are_cut_does_not_show",
    ),
    Mutant(
        "words are cut before secrets are looked for in them",
        "sasl/redactor.py",
        "        longest = self._lengths[-1] if self._lengths else 0\n",
        "        longest = 0\n",
        f"{REDACTOR}::test_a_secret_where_words_are_cut_does_not_show",
    ),
    Mutant(
        "of a long token only the beginning is taken out",
        "sasl/redactor.py",
        " if length < HEAD_CHARS else len(text)",
        "",
        f"{REDACTOR}::test_of_a_long_secret_not_even_the_beginning_shows",
    ),
    Mutant(
        "the digests of secrets have the same key in all sessions",
        "sasl/redactor.py",
        "secrets.token_bytes(_KEY_BYTES)",
        'b"securemail"',
        f"{REDACTOR}::test_the_same_secret_has_other_digests_in_each_session",
    ),
    Mutant(
        "a short password turns words into stars",
        "sasl/redactor.py",
        " if len(text) >= MIN_CHARS}",
        " if text}",
        f"{REDACTOR}::test_a_short_secret_does_not_turn_words_into_stars",
    ),
    Mutant(
        "a secret with a control character shows where the words around it are quoted",
        "sasl/redact.py",
        "        yield repr(text)[1:-1]\n",
        "",
        f"{REDACTOR}::test_a_control_character_is_known_where_it_is_escaped",
    ),
    Mutant(
        "a secret with one quote shows among words with the other",
        "sasl/redact.py",
        "        yield repr('\"' + text)[2:-1]\n",
        "",
        f"{REDACTOR}::test_a_secret_with_one_quote_is_known_among_words_with_the_other",
    ),
    Mutant(
        "nobody knows behind the login what was sent in it",
        "transports/handover.py",
        "            redactor=login.redactor,\n",
        "",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what an IMAP server refuses with is told as it stands",
        "transports/commands.py",
        "self._conversation.dialog.redactor.words(",
        "bytes.decode(",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "an IMAP server's last words are told as they stand",
        "transports/dialog.py",
        "self.redactor.words(rest)",
        'rest.decode("latin-1")',
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what a POP3 server refuses with is told as it stands",
        "transports/pipeline.py",
        "self._redactor.words(request.status.text)",
        "request.status.words",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what ends a session is told as it stands",
        "transports/cause.py",
        "{redactor(str(error))}",
        "{error}",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "a POP3 answer that is nonsense stays in the frames of its error",
        "transports/pop3.py",
        "        del text\n",
        "",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what a submission server refuses with is told as it stands",
        "transports/exchange.py",
        "            answer = self._harmless(answer)\n",
        "            pass\n",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what a submission server accepts with is told as it stands",
        "transports/exchange.py",
        "return answer.words if answer.kind > 3 else",
        "return answer.words if answer.kind > 1 else",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what is no answer to a message is told as it stands",
        "transports/exchange.py",
        "                said = self.redactor(str(answer))\n",
        "                said = str(answer)\n",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "what is no answer to a command is told as it stands",
        "transports/transaction.py",
        "        said = self.exchange.redactor(str(answer))\n",
        "        said = str(answer)\n",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "the lines of an answer show in frames",
        "wire/smtp.py",
        "field(repr=False)  # a frame",
        "field()  # a frame",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "POP3 keeps what the server said last",
        "transports/pipeline.py",
        "        self._reader = None  # it holds what the server said last\n",
        "",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "submission keeps half a line behind the end",
        "transports/exchange.py",
        "        self._reader = AnswerReader()  # the old one holds half a line\n",
        "",
        f"{AFTER}::test_a_secret_that_is_repeated_behind_the_login_shows_nowhere",
    ),
    Mutant(
        "the proof of SCRAM shows where a server repeats it",
        "sasl/scram.py",
        '        self.digest = Secret(proof.rpartition(",p=")[2])\n',
        "",
        f"{LOGIN}::test_a_proof_that_the_server_repeats_does_not_show",
    ),
    Mutant(
        "a watch is given a farewell as it stands",
        "transports/dialog.py",
        "            if self.last_words != words(rest):\n",
        "            if False:\n",
        f"{AFTER}::test_it_shows_in_nothing_that_a_watch_tells",
    ),
    Mutant(
        "a malformed push is told word by word",
        "wire/mailbox.py",
        "        raise malformed(line)\n",
        '        raise ProtocolError(f"the server sent {words(line)!r}")\n',
        f"{AFTER}::test_it_shows_in_nothing_that_a_watch_tells",
    ),
)
