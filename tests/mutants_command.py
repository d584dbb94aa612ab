"""The rules of the command, each taken out once. `tests/mutants.py` says how to read a row."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

ACCOUNT: Final = "tests/cli/test_account.py"
ACCOUNT_PINS: Final = "tests/cli/test_account_pins.py"
CERTIFICATES: Final = "tests/cli/test_client_certificates.py"
FILES: Final = "tests/cli/test_files.py"
OUTPUT: Final = "tests/cli/test_output.py"
FETCH: Final = "tests/cli/test_fetch.py"
RESUME: Final = "tests/cli/test_resume.py"
SEND: Final = "tests/cli/test_send.py"
TERMINAL: Final = "tests/cli/test_terminal.py"

COMMAND_MUTANTS: Final = (
    Mutant(
        "a script pins whatever certificate comes",
        "cli/account_pins.py",
        "    if words and known:\n",
        "    if words:\n",
        f"{ACCOUNT_PINS}::test_nobody_pins_by_the_way",
    ),
    Mutant(
        "another certificate than the one that was named is pinned",
        "cli/account_pins.py",
        "    if known and seen - known:\n",
        "    if False:\n",
        f"{ACCOUNT_PINS}::test_nobody_pins_by_the_way",
    ),
    Mutant(
        "an account whose pin was undone has no minimum for ever",
        "cli/account_pins.py",
        "        account = replace(account, policy=RFC_MINIMUM)\n",
        "        pass\n",
        f"{ACCOUNT_PINS}::test_a_pin_that_is_undone_stays_in_the_history_and_the_minimum_comes_back",
    ),
    Mutant(
        "an account that does not work is kept",
        "cli/account_setup.py",
        "    raise typer.Exit(checked.exit)\n",
        "",
        f"{ACCOUNT}::test_an_account_whose_login_is_refused_is_not_kept",
    ),
    Mutant(
        "an account gets servers that do not prove what it insists on",
        "cli/account_changes.py",
        "    if checked.exit is not Exit.OK:\n",
        "    if False:\n",
        f"{ACCOUNT}::test_servers_that_do_not_prove_what_the_account_insists_on_are_not_taken",
    ),
    Mutant(
        "an account without a minimum follows the DNS wherever it leads",
        "cli/account_changes.py",
        "    if checked.exit is not Exit.OK:\n",
        "    if checked.exit is not Exit.OK and account.policy.has_minimum:\n",
        f"{ACCOUNT}::test_without_a_minimum_no_server_is_taken_that_proves_nothing",
    ),
    Mutant(
        "what is exported is everybody's to read",
        "cli/accounts.py",
        "os.O_NOFOLLOW, 0o600)",
        "os.O_NOFOLLOW, 0o644)",
        f"{ACCOUNT}::test_what_is_exported_is_for_its_owner_and_can_be_taken_back",
    ),
    Mutant(
        "a password is shown as it is typed",
        "cli/asking.py",
        "        return getpass.getpass(prompt)\n",
        "        return input(prompt)\n",
        f"{TERMINAL}::test_a_password_is_asked_for_and_not_shown",
    ),
    Mutant(
        "whoever interrupts the last answer takes the message for not sent",
        "cli/sending.py",
        "                    self.unknown = exc.__cause__\n",
        "                    pass\n",
        f"{SEND}::test_to_end_it_while_the_last_answer_is_awaited_is_an_unknown_outcome",
    ),
    Mutant(
        "a message is visible before it is noted",
        "cli/fetch/maildir.py",
        "        self.journal.note(key for key, _ in batch)\n        for key, _ in batch:\n"
        "            self._show(self._hidden(key))\n",
        "        for key, _ in batch:\n            self._show(self._hidden(key))\n"
        "        self.journal.note(key for key, _ in batch)\n",
        f"{RESUME}::"
        "test_killed_at_any_call_of_the_system_nothing_is_lost_and_nothing_is_there_twice",
    ),
    Mutant(
        "an append that was interrupted is done anew",
        "cli/fetch/mbox.py",
        "        at, rest = start + len(there), memoryview(text)[len(there) :]\n",
        "        at, rest = size, memoryview(text)\n",
        f"{RESUME}::"
        "test_killed_at_any_call_of_the_system_nothing_is_lost_and_nothing_is_there_twice",
    ),
    Mutant(
        "what another program has appended is overwritten",
        "cli/fetch/mbox.py",
        "        if size < start or not text.startswith(there):\n",
        "        if size < start:\n",
        f"{RESUME}::test_an_mbox_that_somebody_else_has_changed_in_between_is_not_touched",
    ),
    Mutant(
        "a mailbox that was numbered anew is fetched twice by itself",
        "cli/fetching.py",
        "        if old and new and not old & new:\n",
        "        if False:\n",
        f"{FETCH}::test_a_server_that_numbers_anew_is_not_fetched_twice_by_itself",
    ),
    Mutant(
        "a server's words command the terminal",
        "cli/harmless.py",
        "                yield Segment(harmless(segment.text), segment.style)\n",
        "                yield segment\n",
        f"{OUTPUT}::test_nothing_that_a_server_says_commands_the_terminal",
    ),
    Mutant(
        "a server's words command the terminal by JSON",
        "cli/harmless.py",
        '    return "".join(c if _is_harmless(c) else json.dumps(c)[1:-1] for c in text)\n',
        "    return text\n",
        f"{OUTPUT}::test_json_goes_out_like_that",
    ),
    Mutant(
        "the first file that is opened becomes standard output",
        "cli/__init__.py",
        "    _open_standard_files()\n    try",
        "    try",
        f"{OUTPUT}::test_outputs_that_are_closed_are_no_traceback_and_no_file_of_ours",
    ),
    Mutant(
        "a file that somebody has made before is written to",
        "cli/files.py",
        "    path.unlink(missing_ok=True)\n"
        "    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CAREFULLY, 0o600)\n",
        "    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CAREFULLY, 0o600)\n",
        f"{FILES}::test_whoever_made_a_file_before_us_does_not_read_along",
    ),
    Mutant(
        "others say which messages are stored already",
        "cli/files.py",
        "    if _is_own(handle) and not os.fstat(handle).st_mode & _OTHERS_WRITE:\n",
        "    if _is_own(handle):\n",
        f"{FILES}::test_a_journal_that_others_can_write_to_is_not_believed",
    ),
    Mutant(
        "others have messages appended in our name",
        "cli/fetch/mbox.py",
        "            handle = open_own(self._pending, os.O_RDONLY)\n",
        "            handle = os.open(self._pending, os.O_RDONLY)\n",
        f"{FILES}::test_what_others_lay_down_as_left_over_is_not_appended",
    ),
    Mutant(
        "a pipe is taken for an mbox",
        "cli/files.py",
        "    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()\n",
        "    return found.st_uid == os.geteuid()\n",
        f"{FILES}::test_a_pipe_is_no_mbox",
    ),
    Mutant(
        "a passphrase is shown as it is typed",
        "cli/asking.py",
        "        return getpass.getpass(prompt)\n",
        "        return input(prompt)\n",
        f"{CERTIFICATES}::test_a_passphrase_is_asked_for_and_not_shown",
    ),
)
