"""What happens when a rule of discovery or setup is deleted: more rows for mutants.py's list."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

OFFER: Final = "tests/setup/test_offer.py"
NAMES: Final = "tests/discovery/test_names.py"
SRV: Final = "tests/discovery/test_srv.py"
PLAN: Final = "tests/discovery/test_plan.py"
CHOICE: Final = "tests/discovery/test_choice.py"
FILE: Final = "tests/discovery/test_autoconfig.py"
CHANGES: Final = "tests/discovery/test_changes.py"
DISCOVER: Final = "tests/setup/test_discover.py"
HTTPS: Final = "tests/setup/test_autoconfig.py"
WELL_KNOWN: Final = "tests/setup/test_well_known.py"
VERIFY_WITHOUT_MINIMUM: Final = "tests/setup/test_verify_without_minimum.py"

DISCOVERY_MUTANTS: Final = (
    Mutant(
        "a host is inside a domain by its last letters",
        "discovery/names.py",
        'host.endswith(f".{domain}")',
        "host.endswith(domain)",
        f"{NAMES}::test_a_host_is_inside_a_domain_by_whole_labels",
    ),
    Mutant(
        "all that a registry has registered lies inside it",
        "discovery/names.py",
        '("." in domain and ',
        "(",
        f"{NAMES}::test_a_host_is_inside_a_domain_by_whole_labels",
    ),
    Mutant(
        "any host is believed",
        "discovery/candidate.py",
        "is_believed = is_signed or is_inside(server.endpoint.host, domain)",
        "is_believed = True",
        f"{PLAN}::test_a_server_is_believed_if_its_records_are_signed_or_it_lies_in_the_domain",
    ),
    Mutant(
        "an unsigned answer is as good as a signed one",
        "discovery/candidate.py",
        "is_signed = server.dnssec is DNSSEC.SECURE",
        "is_signed = server.dnssec is not DNSSEC.UNCHECKED",
        f"{PLAN}::test_a_server_is_believed_if_its_records_are_signed_or_it_lies_in_the_domain",
    ),
    Mutant(
        "a server below the minimum is usable",
        "discovery/candidate.py",
        "is_below = server.endpoint.tls is TLSMode.NONE and policy.has_minimum",
        "is_below = False",
        f"{PLAN}::test_a_server_below_the_minimum_is_ignored_though_it_is_preferred_and_says_why",
    ),
    Mutant(
        "a server without TLS comes where its source has it",
        "discovery/plan.py",
        "has_no_tls = candidate.endpoint.tls is TLSMode.NONE",
        "has_no_tls = False",
        f"{PLAN}::test_even_a_doubtful_server_with_tls_comes_before_one_without",
    ),
    Mutant(
        "what the domain does not offer is taken from others",
        "discovery/plan.py",
        "            if server.service in not_offered:\n",
        "            if False:\n",
        f"{PLAN}::test_what_the_domain_does_not_offer_is_not_taken_from_a_later_source",
    ),
    Mutant(
        "nobody warns of a server without TLS",
        "discovery/plan.py",
        "        if bare:\n",
        "        if False:\n",
        f"{CHOICE}::test_where_nothing_has_tls_the_account_says_so_in_words",
    ),
    Mutant(
        "an account is made without the confirmation",
        "discovery/choice.py",
        "    if missing:\n",
        "    if False:\n",
        f"{CHOICE}::test_a_host_that_nobody_vouches_for_is_not_taken_unconfirmed",
    ),
    Mutant(
        "a server without TLS is taken though there is another service with it",
        "discovery/choice.py",
        "    if any(candidate.endpoint.tls is not TLSMode.NONE for candidate in live):\n",
        "    if False:\n",
        f"{CHOICE}::test_a_server_without_tls_is_not_taken_as_long_as_any_with_tls_is_advertised",
    ),
    Mutant(
        "who insists gets what is ignored",
        "discovery/choice.py",
        "        if candidate.is_ignored:\n",
        "        if False:\n",
        f"{CHOICE}::test_what_was_withdrawn_is_not_taken_and_cannot_be_insisted_on",
    ),
    Mutant(
        "the target dot says nothing",
        "discovery/srv.py",
        "not_offered=_not_offered(rows) - {server.service for server in servers}",
        "not_offered=frozenset()",
        f"{SRV}::test_the_target_dot_means_not_offered",
    ),
    Mutant(
        "the weight does not count",
        "discovery/srv.py",
        "        running += record.weight\n",
        "        running += 1\n",
        f"{SRV}::test_weights_are_the_odds_of_coming_first",
    ),
    Mutant(
        "STARTTLS and implicit TLS stand as they come",
        "discovery/srv.py",
        "(row[1].priority, LABELS[row[0]].tls is not TLSMode.IMPLICIT)",
        "row[1].priority",
        f"{SRV}::test_at_equal_priority_implicit_tls_comes_before_starttls",
    ),
    Mutant(
        "any number of records is ordered",
        "discovery/srv.py",
        "[: limits.SRV_RECORDS]",
        "",
        f"{SRV}::test_a_hundred_records_are_ordered_and_more_than_the_bound_lose_the_worst",
    ),
    Mutant(
        "a file may have a DOCTYPE",
        "discovery/autoconfig.py",
        "        parser.StartDoctypeDeclHandler = _refuse_doctype\n",
        "",
        f"{FILE}::test_an_entity_bomb_is_refused_for_its_doctype_before_any_entity_is_known",
    ),
    Mutant(
        "a file's text is taken line by line",
        "discovery/autoconfig.py",
        "        parser.buffer_text = True\n",
        "",
        f"{FILE}::test_a_name_of_many_lines_takes_no_longer_than_one_of_as_many_letters",
    ),
    Mutant(
        "a file may have any number of elements",
        "discovery/autoconfig.py",
        "        if self._elements > limits.AUTOCONFIG_ELEMENTS:\n",
        "        if False:\n",
        f"{FILE}::test_what_is_no_such_file_is_refused",
    ),
    Mutant(
        "elements may lie in each other without end",
        "discovery/autoconfig.py",
        "        if len(self._path) > limits.AUTOCONFIG_DEPTH:\n",
        "        if False:\n",
        f"{FILE}::test_what_is_no_such_file_is_refused",
    ),
    Mutant(
        "a better server is taken unasked from a stranger",
        "discovery/changes.py",
        "        return self.candidate.needs_confirmation\n",
        "        return False\n",
        f"{CHANGES}::test_a_new_host_that_nobody_vouches_for_is_taken_only_confirmed",
    ),
    Mutant(
        "a change for the worse can be accepted",
        "discovery/changes.py",
        "_OFFERS: Final = frozenset({ChangeKind.BETTER, ChangeKind.MOVED})",
        "_OFFERS: Final = frozenset(ChangeKind)",
        f"{CHANGES}::test_an_offer_has_the_exact_new_endpoint_and_worse_is_never_applied",
    ),
    Mutant(
        "a forged answer is one that failed",
        "setup/look.py",
        "            if exc.reason is DiscoveryReason.BOGUS:\n                raise\n",
        "",
        f"{DISCOVER}::test_a_forged_answer_is_an_error_and_not_an_absence",
    ),
    Mutant(
        "one forged answer among good ones is a note",
        "setup/sources/srv.py",
        "if failures and (bogus or len(failures) == len(labels)):",
        "if failures and len(failures) == len(labels):",
        f"{DISCOVER}::test_a_forged_answer_is_an_error_and_not_an_absence",
    ),
    Mutant(
        "a resolver is waited for without end",
        "setup/sources/srv.py",
        "asyncio.timeout(seconds)",
        "asyncio.timeout(None)",
        f"{DISCOVER}::test_a_resolver_that_answers_nothing_ends_in_a_typed_error_in_time",
    ),
    Mutant(
        "every source is told of every address",
        "setup/look.py",
        "        if not wanted:\n            break\n",
        "",
        f"{DISCOVER}::test_where_the_records_have_all_nobody_else_is_told_of_the_address",
    ),
    Mutant(
        "a redirection may lead to http",
        "setup/sources/https.py",
        '        if url.scheme != "https":\n',
        "        if False:\n",
        f"{HTTPS}::test_an_answer_that_is_not_the_file_is_a_note",
    ),
    Mutant(
        "a redirection may lead anywhere",
        "setup/sources/https.py",
        "        if host != first and not is_inside(host, domain):\n",
        "        if False:\n",
        f"{HTTPS}::test_a_server_that_a_redirection_leads_astray_to_is_not_connected_to",
    ),
    Mutant(
        "a file may have any length",
        "setup/sources/https.py",
        "        if len(data) > limits.AUTOCONFIG_BYTES:\n",
        "        if False:\n",
        f"{HTTPS}::test_an_answer_that_is_not_the_file_is_a_note",
    ),
    Mutant(
        "any content is read as the file",
        "setup/sources/https.py",
        "if kind not in _TYPES or ",
        "if ",
        f"{HTTPS}::test_an_answer_that_is_not_the_file_is_a_note",
    ),
    Mutant(
        "a database is told the address",
        "setup/sources/autoconfig.py",
        '    if "{address}" in url and not',
        "    if False and not",
        f"{HTTPS}::test_a_url_that_tells_the_address_to_others_or_to_all_is_refused",
    ),
    Mutant(
        "a file is fetched in cleartext",
        "setup/sources/autoconfig.py",
        '    if not url.startswith("https://"):\n',
        "    if False:\n",
        f"{HTTPS}::test_a_url_that_tells_the_address_to_others_or_to_all_is_refused",
    ),
    Mutant(
        "a guess counts whatever its certificate",
        "setup/sources/well_known.py",
        "    except SecureMailError:\n        return False\n",
        "    except SecureMailError:\n        return True\n",
        f"{WELL_KNOWN}::test_a_name_whose_certificate_does_not_prove_it_does_not_count",
    ),
    Mutant(
        "a configuration is tried by showing the password",
        "setup/verify.py",
        "    if missing := session.confidentiality.shortfalls:\n",
        "    if missing := frozenset():\n",
        f"{VERIFY_WITHOUT_MINIMUM}::test_without_a_minimum_the_password_is_not_shown_to_who_is_not_proved",
    ),
    Mutant(
        "a connection that proves too little is offered as TLS to insist on",
        "policy/offer.py",
        "    if not confidentiality.shortfalls:\n",
        "    if True:\n",
        f"{OFFER}::test_what_cannot_be_had_is_not_offered",
    ),
    Mutant(
        "an account with a minimum is offered TLS",
        "policy/offer.py",
        "    if endpoint is None or account.policy.has_minimum:\n",
        "    if endpoint is None:\n",
        f"{OFFER}::test_an_account_with_a_minimum_has_all_that_could_be_offered",
    ),
    Mutant(
        "the minimum is turned on though a service has no TLS",
        "setup/offer.py",
        "if taken and has_all else account\n",
        "if taken else account\n",
        f"{OFFER}::test_the_minimum_comes_only_when_all_services_have_tls",
    ),
)
