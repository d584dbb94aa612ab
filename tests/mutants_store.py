"""The rules of accounts on disk, each taken out once. `tests/mutants.py` says how to read a row."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

FILE: Final = "tests/store/test_file.py"
FILE_CONTENTS: Final = "tests/store/test_file_contents.py"
STORE: Final = "tests/store/test_store.py"
PINS_AND_FLOORS: Final = "tests/store/test_pins_and_floors.py"
SECRETS: Final = "tests/store/test_secrets.py"
EXCHANGE: Final = "tests/store/test_exchange.py"
DOCUMENT: Final = "tests/store/test_document.py"
OFFER: Final = "tests/session/test_tls_offer.py"

STORE_MUTANTS: Final = (
    Mutant(
        "a file that others can write to is believed",
        "store/file.py",
        "    if found.st_mode & 0o077 or ",
        "    if ",
        f"{FILE}::test_a_file_that_others_can_read_or_change_is_refused",
    ),
    Mutant(
        "the file is made as the umask has it",
        "store/file.py",
        "_MODE: Final = 0o600\n",
        "_MODE: Final = 0o666\n",
        f"{FILE}::test_the_file_is_its_owners_alone_whatever_the_umask",
    ),
    Mutant(
        "a symbolic link is followed",
        "store/file.py",
        "    found = path.lstat()\n",
        "    found = path.stat()\n",
        f"{FILE}::test_what_is_no_file_is_refused",
    ),
    Mutant(
        "whatever is there is taken for a file",
        "store/file.py",
        "    if not stat.S_ISREG(found.st_mode):\n",
        "    if False:\n",
        f"{FILE}::test_what_is_no_file_is_refused",
    ),
    Mutant(
        "a comment in TOML may begin a text that hides a key",
        "store/exchange.py",
        "    | [#] [^\\n]*+\n",
        "",
        f"{EXCHANGE}::test_a_key_of_very_many_parts_is_found_wherever_it_hides",
    ),
    Mutant(
        "a revision in a row may be of any type",
        "store/rows.py",
        "        _check_types(revision, password, key, proxy)\n",
        "        pass\n",
        f"{FILE_CONTENTS}::test_a_row_that_is_none_of_ours_is_refused",
    ),
    Mutant(
        "anybody can lay a journal beside the file",
        "store/file.py",
        "    if found.st_mode & 0o022 or ",
        "    if ",
        f"{FILE}::test_a_folder_in_which_others_can_lay_a_journal_is_refused",
    ),
    Mutant(
        "a file of one byte is overwritten",
        "store/file.py",
        "    if 0 < found.st_size < _SMALLEST:\n",
        "    if False:\n",
        f"{FILE_CONTENTS}::test_what_is_not_ours_is_refused_and_left_alone",
    ),
    Mutant(
        "another program's database is made ours",
        "store/schema.py",
        "    if application != APPLICATION and (application or _objects(connection)):\n",
        "    if False:\n",
        f"{FILE_CONTENTS}::test_another_programs_database_is_left_alone",
    ),
    Mutant(
        "a newer file is written to",
        "store/schema.py",
        "    if version > len(steps):\n",
        "    if False:\n",
        f"{FILE_CONTENTS}::test_a_newer_file_is_refused_and_left_alone",
    ),
    Mutant(
        "a trigger that somebody has planted runs",
        "store/schema.py",
        "    if _objects(connection) != expected:\n",
        "    if False:\n",
        f"{FILE_CONTENTS}::test_a_file_whose_tables_were_changed_is_refused",
    ),
    Mutant(
        "the last one to write wins",
        "store/rows.py",
        '" WHERE id = ? AND revision = ?",',
        '" WHERE id = ? AND revision >= ?",',
        f"{STORE}::test_a_change_made_from_an_older_revision_is_refused",
    ),
    Mutant(
        "a stored account gets an offer to pin",
        "setup/pins.py",
        "    if account.is_existing:\n",
        "    if False:\n",
        f"{PINS_AND_FLOORS}::test_a_stored_account_is_an_existing_one_and_gets_no_pin_offer",
    ),
    Mutant(
        "an account that was read from the file is in setup",
        "store/document.py",
        ", is_existing=True\n",
        "\n",
        f"{PINS_AND_FLOORS}::test_a_stored_account_is_an_existing_one_and_gets_no_pin_offer",
    ),
    Mutant(
        "a pin cannot be undone",
        "store/rows.py",
        "    _undo_pins(connection, stored.id, in_force - stored.account.pins, now)\n",
        "",
        f"{PINS_AND_FLOORS}::test_pins_are_listed_and_undone_and_their_history_stays",
    ),
    Mutant(
        "a file brings pins along",
        "store/exchange.py",
        "    if entry.account.pins and not with_pins:\n",
        "    if False:\n",
        f"{EXCHANGE}::test_pins_are_taken_over_only_where_that_is_asked_for",
    ),
    Mutant(
        "a file brings authorities and addresses along",
        "store/exchange.py",
        "    if (names := tuple(_trusting(entry.account))) and not with_trust:\n",
        "    if (names := ()) and not with_trust:\n",
        f"{EXCHANGE}::test_whom_to_believe_is_taken_over_only_where_that_is_asked_for",
    ),
    Mutant(
        "a file turns revocation off",
        "store/exchange.py",
        "    if account.policy.revocation is Revocation.OFF:\n",
        "    if False:\n",
        f"{EXCHANGE}::test_whom_to_believe_is_taken_over_only_where_that_is_asked_for",
    ),
    Mutant(
        "a file has another domain's certificate accepted",
        "store/exchange.py",
        "        if endpoint and endpoint.srv_domain and not",
        "        if endpoint and False and not",
        f"{EXCHANGE}::test_whom_to_believe_is_taken_over_only_where_that_is_asked_for",
    ),
    Mutant(
        "a file gives up the minimum in silence",
        "store/store.py",
        "            if not entry.account.policy.has_minimum:\n",
        "            if False:\n",
        f"{STORE}::test_an_account_without_a_minimum_warns_when_it_is_read_from_a_file",
    ),
    Mutant(
        "what a policy asks for is forgotten",
        "store/policies.py",
        "        if value != getattr(RFC_MINIMUM, name)\n",
        "        if isinstance(value, str)\n",
        f"{DOCUMENT}::test_every_field_of_a_policy_is_kept",
    ),
    Mutant(
        "a keyring in cleartext will do",
        "store/keyring.py",
        "        if not recommended(backend):\n",
        "        if False:\n",
        f"{SECRETS}::test_a_keyring_that_is_not_safe_is_refused",
    ),
    Mutant(
        "a keyring's words are shown, secret and all",
        "store/keyring.py",
        "        kind = type(exc).__name__\n",
        "        kind = str(exc)\n",
        f"{SECRETS}::test_a_keyring_that_fails_keeps_the_account_out_and_the_secret_in",
    ),
    Mutant(
        "the secrets of a change that was refused stay in the keyring",
        "store/keyring.py",
        "        forget(keyring, names)\n        raise\n",
        "        raise\n",
        f"{SECRETS}::test_a_change_that_is_refused_leaves_the_old_password",
    ),
    Mutant(
        "whoever answers in the server's place raises the floor",
        "store/floor.py",
        "        if _RANK[seen.level] < _RANK[Level.PINNED]:\n",
        "        if False:\n",
        "tests/store/test_floor.py::"
        "test_a_server_that_nobody_vouches_for_raises_nothing_but_the_level",
    ),
    Mutant(
        "TLS that was offered before the login is overlooked",
        "aio/connection.py",
        "        heard = self._heard or self.machine.capabilities or frozenset()\n",
        "        heard = self.machine.capabilities or frozenset()\n",
        f"{OFFER}::test_starttls_that_was_offered_before_the_login_is_an_offer_after_it",
    ),
    Mutant(
        "whoever wrote a file of accounts may lead them through a proxy",
        "store/exchange.py",
        "    if account.proxy is not None:\n",
        "    if False:\n",
        f"{EXCHANGE}::test_whom_to_believe_is_taken_over_only_where_that_is_asked_for",
    ),
    Mutant(
        "the password for one proxy goes to another",
        "store/keeping.py",
        "new.account.proxy == old.account.proxy and not",
        "not",
        f"{SECRETS}::test_the_password_for_one_proxy_goes_to_no_other",
    ),
    Mutant(
        "an account goes past its proxy where the password for it is missing",
        "store/entry.py",
        '        if password is None:\n            raise UsageError("the password for its proxy',
        "        if password is None:\n            return None\n"
        '            raise UsageError("the password for its proxy',
        f"{DOCUMENT}::test_an_account_whose_proxy_wants_a_password_is_not_given_out_without_it",
    ),
    Mutant(
        "what is kept in the file has the password for the proxy",
        "store/entry.py",
        "                proxy=_without_login(account.proxy),\n",
        "                proxy=account.proxy,\n",
        f"{DOCUMENT}::test_a_proxy_is_kept_and_its_password_is_not",
    ),
)
