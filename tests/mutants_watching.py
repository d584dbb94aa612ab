"""What happens when a rule of pools and watches is deleted: more rows for mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

RECONNECT: Final = "tests/test_reconnect.py"
STOP: Final = "tests/watching/test_stop_and_tell.py"
WATCH: Final = "tests/watching/test_watch.py"
VIEW: Final = "tests/watching/test_view.py"
BELLS: Final = "tests/watching/test_bells.py"
NOTIFY: Final = "tests/watching/test_notify.py"
SEVERAL: Final = "tests/watching/test_watch_all_cancelled.py"
LUCK: Final = "tests/watching/test_bad_luck.py"
SHORT: Final = "tests/watching/test_short_waits.py"
POOL: Final = "tests/pool/test_pool.py"
LEDGER: Final = "tests/pool/test_ledger.py"
THROTTLE: Final = "tests/test_throttle.py"

MESSAGES: Final = "tests/test_messages.py"
RETRYING: Final = "tests/test_retry.py"

WATCHING_MUTANTS: Final = (
    Mutant(
        "the messages of a mailbox that was made anew are handed out",
        "messages.py",
        "    if found[-1] != uidvalidity:\n",
        "    if not found:\n",
        f"{MESSAGES}::test_a_mailbox_that_was_made_anew_gives_no_message",
    ),
    Mutant(
        "an answer may be larger than the messages that were asked for",
        "transports/pending.py",
        "pending.max_bytes is not None and",
        "pending.max_bytes == -1 and",
        f"{MESSAGES}::test_more_than_the_messages_can_have_is_refused_when_it_is_announced",
    ),
    Mutant(
        "a message whose outcome nobody knows is sent again",
        "retry.py",
        "            if plan is None:\n                raise\n",
        "            if plan is None:\n                continue\n",
        f"{RETRYING}::test_what_somebody_must_act_on_is_raised_at_once",
    ),
    Mutant(
        "a policy that is not met is tried again",
        "reconnect.py",
        "        case PolicyError() | CertificateError()",
        "        case CertificateError()",
        f"{STOP}::test_a_reconnect_is_not_downgraded",
    ),
    Mutant(
        "a certificate that is not valid is tried again",
        "reconnect.py",
        "        case PolicyError() | CertificateError()",
        "        case PolicyError()",
        f"{STOP}::test_a_certificate_that_became_invalid_ends_the_watch",
    ),
    Mutant(
        "a connect that is cancelled is made again at once",
        "watching/watch.py",
        "            self._due.put_off(means.backoff.base)\n",
        "",
        "tests/watching/test_short_waits.py::test_a_connect_that_is_cancelled_was_a_try",
    ),
    Mutant(
        "a password that was refused is shown again",
        "reconnect.py",
        "    return Remedy.RENEW if has_token else Remedy.STOP\n",
        "    return Remedy.RETRY\n",
        f"{STOP}::test_a_wrong_password_is_shown_once",
    ),
    Mutant(
        "a token is renewed again and again",
        "reconnect.py",
        "(what is Remedy.RENEW and trouble.is_renewed)",
        "False",
        f"{RECONNECT}::test_a_token_is_renewed_once_and_again_only_after_a_stable_session",
    ),
    Mutant(
        "one passing word outweighs a refusal",
        "reconnect.py",
        "    if not is_refused and any(",
        "    if any(",
        f"{RECONNECT}::test_what_helps_follows_from_who_must_act",
    ),
    Mutant(
        "clients come back all at once",
        "reconnect.py",
        "chance * backoff.longest",
        "backoff.longest",
        f"{RECONNECT}::test_all_of_the_wait_is_chance",
    ),
    Mutant(
        "any session begins the back-off anew",
        "reconnect.py",
        "setback.up_s >= backoff.stable",
        "setback.up_s > 0",
        f"{RECONNECT}::test_only_a_session_that_proved_stable_begins_anew",
    ),
    Mutant(
        "all connect to one host at once",
        "throttle.py",
        " or self._hosts[host].in_flight >= self.per_host else host\n",
        " else host\n",
        f"{THROTTLE}::test_no_more_connect_to_one_host_than_may",
    ),
    Mutant(
        "servers that do not answer keep the clients of others out",
        "throttle.py",
        "key=lambda each: self._hosts[each].in_flight",
        "key=lambda _each: 0",
        f"{THROTTLE}::test_hosts_that_do_not_answer_keep_nobody_else_out",
    ),
    Mutant(
        "the watch does not go through the throttle",
        "watching/watch.py",
        "        async with throttle.connecting(endpoint_of(self.account, self.service).host):\n",
        "        if throttle:\n",
        f"{WATCH}::test_the_throttle_is_held_while_connecting_and_no_longer",
    ),
    Mutant(
        "what is said between two commands is not noticed",
        "transports/dialog.py",
        "            self.unheard += 1\n",
        "            pass\n",
        f"{LUCK}::test_what_is_said_between_two_commands_is_not_lost",
    ),
    Mutant(
        "the cursor skips what the server counts and does not show",
        "watching/view.py",
        "        max(cursor.uidnext, new.highest + 1),\n        max(cursor",
        "        heard.codes['UIDNEXT'],\n        max(cursor",
        f"{VIEW}::test_a_message_that_is_counted_and_not_shown_is_not_skipped",
    ),
    Mutant(
        "old UIDs are believed under a new UIDVALIDITY",
        "watching/view.py",
        "    if cursor.uidvalidity == now.uidvalidity:\n",
        "    if True:\n",
        f"{WATCH}::test_a_change_of_uidvalidity_is_told_and_old_uids_are_not_announced_again",
    ),
    Mutant(
        "a wait for the renewal of IDLE begins anew when it is cancelled",
        "watching/imap.py",
        "self._is_behind else self._due.left_s\n",
        "self._is_behind else self._idle_s\n",
        f"{SHORT}::test_a_line_that_is_half_open_is_noticed_when_it_is_time",
    ),
    Mutant(
        "a wait for the next poll begins anew when it is cancelled",
        "watching/imap.py",
        "            await asyncio.sleep(self._due.left_s)\n",
        "            await asyncio.sleep(self.poll_s)\n",
        f"{SHORT}::test_a_server_without_idle_is_polled_when_it_is_time",
    ),
    Mutant(
        "a mailbox was seen as it is after the look",
        "watching/several.py",
        "        self._bells.saw(name, state)\n",
        "        self._bells.saw(name, self._bells.state(name))\n",
        f"{NOTIFY}::test_what_happens_while_a_mailbox_is_open_is_looked_at_again",
    ),
    Mutant(
        "a mailbox is not counted once more when it is closed",
        "watching/several.py",
        "            # No bell has rung for it while it was selected.\n"
        "            await self._count(name)\n",
        "            pass\n",
        f"{NOTIFY}::test_what_happens_while_a_mailbox_is_open_is_looked_at_again",
    ),
    Mutant(
        "bells are heard while idling only",
        "watching/several.py",
        "        return self.bells.hear(await self.commands.ask(text))\n",
        "        return await self.commands.ask(text)\n",
        f"{NOTIFY}::test_a_bell_in_the_answer_to_another_command_is_heard",
    ),
    Mutant(
        "to open one mailbox makes up for what was said of others",
        "watching/several.py",
        'said of the others."""\n',
        'said of the others."""\n        self.commands.start_anew()\n',
        f"{NOTIFY}::test_to_open_one_mailbox_makes_up_for_nothing_that_was_said_of_others",
    ),
    Mutant(
        "a mailbox of which the server does not speak is taken for pushed",
        "watching/several.py",
        "        silent = self._bells.silent\n",
        "        silent = self._bells.silent if not self.is_pushed else []\n",
        f"{NOTIFY}::test_a_mailbox_of_which_the_server_does_not_speak_is_polled",
    ),
    Mutant(
        "a server that overflows is waited for as if it pushed",
        "watching/bells.py",
        "self.is_off or _OVERFLOW.match(line) is not None",
        "False",
        f"{NOTIFY}::test_after_an_overflow_the_server_is_asked_again_and_not_at_once",
    ),
    Mutant(
        "a server that says it has lost something is believed to have lost nothing",
        "watching/bells.py",
        "self.is_unsure or _TROUBLE.match(line) is not None",
        "False",
        f"{NOTIFY}::test_what_may_have_been_lost_is_counted_anew",
    ),
    Mutant(
        "a server that speaks unasked is asked without end",
        "watching/several.py",
        "(self._is_in_doubt and self._rolls < _ROLLS)",
        "self._is_in_doubt",
        f"{NOTIFY}::test_a_server_that_always_speaks_unasked_is_polled",
    ),
    Mutant(
        "what was heard as a watch of several was cancelled is forgotten",
        "watching/several.py",
        "            self._commands.forgot()\n",
        "            pass\n",
        f"{SEVERAL}::test_a_bell_in_an_answer_that_comes_with_a_cancellation_is_made_up_for",
    ),
    Mutant(
        "a mailbox without MODSEQ is not opened at a reconnect",
        "watching/bells.py",
        "        return is_same and cursor.modseq is not None\n",
        "        return is_same\n",
        f"{BELLS}::test_without_modseq_a_cursor_always_needs_a_look",
    ),
    Mutant(
        "a mailbox that cannot be opened takes the others with it",
        "watching/several.py",
        "        if remedy(error, has_token=False) is not Remedy.RETRY:\n",
        "        if error:\n",
        f"{NOTIFY}::test_a_mailbox_that_cannot_be_opened_for_now_does_not_stop_the_others",
    ),
    Mutant(
        "a session whose user failed is handed out",
        "pool/pool.py",
        "            await self._close(key, session, is_poisoned=True)\n            raise\n",
        "            self._keep(key, session)\n            raise\n",
        f"{POOL}::test_a_session_whose_user_failed_is_never_handed_out",
    ),
    Mutant(
        "a session on which something is under way is handed out",
        "pool/health.py",
        "timeout_s=session.client.timeout).is_quiet\n",
        "timeout_s=session.client.timeout) is not None\n",
        f"{POOL}::test_a_session_on_which_something_is_under_way_is_never_handed_out",
    ),
    Mutant(
        "a session that the server closed is handed out",
        "pool/pool.py",
        "        if is_reusable(kept.session) and (is_recent",
        "        if (is_recent",
        f"{POOL}::test_a_session_that_the_server_closed_is_never_handed_out",
    ),
    Mutant(
        "every task of a pool tries the wrong password",
        "pool/connector.py",
        "            if (barred := self._breaker.error(key, loop.time())) is not None:\n",
        "            if (barred := self._breaker.error(key, -1e9)) is not None and not key:\n",
        f"{POOL}::test_a_password_that_was_refused_is_not_shown_again_by_anybody",
    ),
    Mutant(
        "a host is given more sessions than it may have",
        "pool/ledger.py",
        "        if self._hosts[shelf.host].places >= self._limits.per_host:\n",
        "        if False:\n",
        f"{LEDGER}::test_a_host_has_no_more_than_its_limit_over_all_keys",
    ),
    Mutant(
        "a place is lost on who has given up",
        "pool/ledger.py",
        "            while shelf.tickets and is_gone(ticket := next(iter(shelf.tickets))):\n",
        "            while shelf.tickets and not (ticket := next(iter(shelf.tickets))):\n",
        f"{LEDGER}::test_a_place_is_not_lost_on_who_has_given_up",
    ),
)
