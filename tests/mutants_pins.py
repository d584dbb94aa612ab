"""The rules of pins, each taken out once. `tests/mutants.py` says how the rows are read."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

VALUE: Final = "tests/test_pin.py"
RULE: Final = "tests/tls/test_pins.py"
SESSION: Final = "tests/session/test_pins.py"
SETUP: Final = "tests/setup/test_pins.py"

PIN_MUTANTS: Final = (
    Mutant(
        "any certificate will do where there is a pin",
        "tls/verdict.py",
        "    if not rules.pin.is_for(chain[0]):\n",
        "    if False:\n",
        f"{RULE}::test_another_certificate_is_refused_and_both_are_shown",
    ),
    Mutant(
        "a pin excuses whatever is wrong",
        "tls/verdict.py",
        "    return refused(rules, serious[0]) if serious else Verdict(Trust.PIN)\n",
        "    return Verdict(Trust.PIN)\n",
        f"{RULE}::test_a_pin_excuses_nothing_but_the_want_of_an_authority",
    ),
    Mutant(
        "a pin never ends",
        "tls/verdict.py",
        "    return finding.reason is CertificateReason.EXPIRED and pin.was_expired\n",
        "    return finding.reason is CertificateReason.EXPIRED\n",
        f"{RULE}::test_a_pin_ends_with_its_certificate",
    ),
    Mutant(
        "an account with a minimum uses its pin",
        "aio/secure.py",
        "    pin = None if policy.has_minimum else account.pin(service)\n",
        "    pin = account.pin(service)\n",
        f"{SESSION}::test_an_account_with_a_minimum_does_not_use_its_pin",
    ),
    Mutant(
        "a changed certificate on a pinned host is noted only",
        "aio/secure.py",
        "        must_validate=policy.has_minimum or pin is not None,\n",
        "        must_validate=policy.has_minimum,\n",
        f"{SESSION}::test_a_changed_certificate_ends_the_handshake_and_both_are_shown",
    ),
    Mutant(
        "whoever cannot show the pinned certificate refuses STARTTLS",
        "aio/connection.py",
        ", must_encrypt=account.pin(service) is not None)",
        ")",
        f"{SESSION}::test_a_pinned_server_that_refuses_starttls_is_not_talked_to_in_cleartext",
    ),
    Mutant(
        "a pin is for any port of the host",
        "account.py",
        "if (pin.service, pin.host, pin.port) == here)",
        "if (pin.service, pin.host) == here[:2])",
        f"{VALUE}::test_a_pin_is_for_one_host_port_and_service",
    ),
    Mutant(
        "a pin is for any service of the host",
        "account.py",
        "if (pin.service, pin.host, pin.port) == here)",
        "if (pin.host, pin.port) == here[1:])",
        f"{VALUE}::test_a_pin_is_for_one_host_port_and_service",
    ),
    Mutant(
        "an account takes another's pins",
        "account.py",
        "        if others := {pin.address for pin in pins} - {self.address}:\n",
        "        if others := set[str]():\n",
        f"{VALUE}::test_a_pin_of_another_account_is_refused",
    ),
    Mutant(
        "a failed connection of an existing account leads to an offer",
        "setup/pins.py",
        "    if account.credentials is not None or account.client_certificate is not None:\n",
        "    if False:\n",
        f"{SETUP}::test_an_account_that_is_not_in_setup_gets_no_offer",
    ),
    Mutant(
        "a changed certificate leads to an offer",
        "setup/pins.py",
        "    if account.pin(service) is not None:\n",
        "    if False:\n",
        f"{SETUP}::test_a_changed_certificate_leads_to_no_new_pin",
    ),
    Mutant(
        "an account with a minimum gets an offer",
        "setup/pins.py",
        "    if account.policy.has_minimum:\n",
        "    if False:\n",
        f"{SETUP}::test_an_account_that_is_not_in_setup_gets_no_offer",
    ),
    Mutant(
        "whatever is wrong can be pinned",
        "setup/pins.py",
        "    if leaf is None or serious or not problems:\n",
        "    if leaf is None:\n",
        f"{SETUP}::test_a_certificate_that_is_not_yet_valid_cannot_be_pinned",
    ),
    Mutant(
        "a pin is made without words",
        "setup/pins.py",
        "        if not isinstance(acknowledge, str) or not acknowledge.strip():\n",
        "        if not isinstance(acknowledge, str):\n",
        f"{SETUP}::test_a_pin_is_not_made_without_words",
    ),
    Mutant(
        "a pin can be made out of anything",
        "pin.py",
        '        raise UsageError("pins are made by pin_offer() in account setup", field=_FIELD)\n',
        "        return\n",
        f"{VALUE}::test_a_pin_has_no_constructor",
    ),
)
