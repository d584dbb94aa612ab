"""What happens when a rule of SASL is deleted: more rows for the list in mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import CHOOSE, Mutant

SCRAM: Final = "tests/sasl/test_scram.py"
SCRAM_ATTACKS: Final = "tests/sasl/test_scram_attacks.py"
LOGIN: Final = "tests/aio/test_login.py"
SECRETS: Final = "tests/session/test_sasl_secrets.py"

SASL_MUTANTS: Final = (
    Mutant(
        "a requirement is switched off by what is neither true nor false",
        "minimum.py",
        '            if each.name.startswith("require_") and not isinstance(',
        "            if False and not isinstance(",
        "tests/test_minimum.py::test_what_is_required_is_so_or_not",
    ),
    Mutant(
        "nobody looks at the signature of a SCRAM server",
        "sasl/scram.py",
        "            self._client.set_server_final(text)\n",
        "            pass\n",
        f"{LOGIN}::test_a_server_that_did_not_prove_itself_gets_no_other_try",
    ),
    Mutant(
        "a SCRAM server may say yes without a signature",
        "sasl/scram.py",
        "        if self._step is not _Step.VERIFIED:\n",
        "        if False:\n",
        f"{SCRAM_ATTACKS}::test_success_before_the_signature_is_not_believed",
    ),
    Mutant(
        "the mechanism is not asked when the server says yes",
        "aio/exchange.py",
        "        mechanism.check_success()\n",
        "        pass\n",
        f"{LOGIN}::test_a_server_that_did_not_prove_itself_gets_no_other_try",
    ),
    Mutant(
        "any nonce of the server will do",
        "sasl/scram.py",
        "        if not nonce.startswith(self.nonce) or len(nonce) == len(self.nonce):\n",
        "        if False:\n",
        f"{SCRAM_ATTACKS}::test_a_nonce_that_does_not_continue_ours_is_refused",
    ),
    Mutant(
        "few SCRAM iterations are enough",
        "sasl/scram.py",
        "    if count < lowest:\n",
        "    if False:\n",
        f"{SCRAM_ATTACKS}::test_too_few_iterations_and_too_many_are_refused",
    ),
    Mutant(
        "a server may ask for any number of SCRAM iterations",
        "sasl/scram.py",
        "    if count > highest:\n",
        "    if False:\n",
        f"{SCRAM_ATTACKS}::test_too_few_iterations_and_too_many_are_refused",
    ),
    Mutant(
        "the y flag is never sent: a cut offer of -PLUS goes unnoticed",
        "sasl/choose.py",
        "could_bind=offer.binding is not None and not offer.has_plus",
        "could_bind=False",
        f"{CHOOSE}::test_the_y_flag_is_for_those_who_could_bind_and_saw_no_offer",
    ),
    Mutant(
        "any offer of -PLUS keeps the y flag away",
        "sasl/choose.py",
        "any(name + PLUS in self.mechanisms for name in SCRAM_NAMES)",
        "any(name.endswith(PLUS) for name in self.mechanisms)",
        f"{CHOOSE}::test_an_offer_of_plus_that_is_none_of_ours_does_not_keep_the_y_flag_away",
    ),
    Mutant(
        "the binding is left out of the proof",
        "sasl/scram.py",
        'b"" if self.binding is None else self.binding.data',
        'b""',
        f"{SCRAM}::test_a_binding_is_proved",
    ),
    Mutant(
        "a login goes on after a server broke the mechanism's rules",
        "aio/login.py",
        "        if outcome.verdict is Verdict.UNTRUSTED:\n",
        "        if False:\n",
        f"{LOGIN}::test_a_server_that_did_not_prove_itself_gets_no_other_try",
    ),
    Mutant(
        "a refused binding is followed by the password without one",
        "sasl/fallback.py",
        "    if refusal.way.binding and not way.binding:\n",
        "    if False:\n",
        f"{LOGIN}::test_a_refused_binding_is_not_followed_by_the_same_password_without_one",
    ),
    Mutant(
        "a refused proof is followed by the password",
        "sasl/fallback.py",
        "    if refusal.verdict is Verdict.WRONG_SECRET:\n",
        "    if False:\n",
        f"{LOGIN}::test_a_proof_that_was_refused_is_not_followed_by_the_password",
    ),
    Mutant(
        "whoever refuses SCRAM gets the password",
        "sasl/fallback.py",
        "    if way.shows_secret and not refusal.way.shows_secret and not is_authenticated:\n",
        "    if False:\n",
        f"{LOGIN}::test_a_server_without_a_key_for_scram_gets_plain_if_it_was_authenticated",
    ),
    Mutant(
        "the policy's channel binding is not asked for",
        "sasl/choose.py",
        "    if account.policy.require_channel_binding and not name.endswith(PLUS):\n",
        "    if False:\n",
        f"{CHOOSE}::test_a_policy_can_require_a_channel_binding",
    ),
    Mutant(
        "a token is shown without TLS",
        "sasl/choose.py",
        'return Attempt(name, "not run: it would show the token")',
        "pass",
        f"{CHOOSE}::test_without_tls_a_token_is_not_shown",
    ),
    Mutant(
        "CRAM-MD5 runs unasked",
        "sasl/choose.py",
        "    if name in _BY_NAME_ONLY and not is_named:\n",
        "    if False:\n",
        f"{CHOOSE}::test_cram_md5_is_for_accounts_that_name_it",
    ),
    Mutant(
        "a refused token is believed to have worked",
        "sasl/oauth.py",
        "    if noted is not None:\n",
        "    if False:\n",
        "tests/sasl/test_mechanisms.py::test_success_after_the_token_was_refused_is_not_believed",
    ),
    Mutant(
        "a secret that the server repeats gets into the error",
        "aio/login.py",
        "Attempt(name, redact(outcome.words, self._known))",
        "Attempt(name, outcome.words)",
        "tests/session/test_sasl_secrets.py::test_a_secret_that_the_server_repeats_shows_nowhere",
    ),
    Mutant(
        "a secret that the server repeats stays in the frames",
        "aio/login.py",
        "        link.__traceback__ = None\n",
        "",
        "tests/session/test_sasl_secrets.py::test_a_secret_that_the_server_repeats_shows_nowhere",
    ),
    Mutant(
        "the words of an error that ends the connection are not looked at",
        "aio/login.py",
        "redact(arg, known) if isinstance(arg, str) else arg",
        "arg",
        "tests/session/test_sasl_secrets.py::test_a_secret_that_the_server_repeats_shows_nowhere",
    ),
    Mutant(
        "names and passwords are taken as they come",
        "credentials.py",
        "        return str(exc)\n",
        "        return None\n",
        "tests/sasl/test_saslprep.py::test_an_account_refuses_it_and_names_the_field",
    ),
    Mutant(
        "the exporter has another label",
        "tls/binding.py",
        'b"EXPORTER-Channel-Binding"',
        'b"EXPORTER-Channel-Bindings"',
        "tests/tls/test_binding.py::test_on_tls13_both_ends_export_the_same_value",
    ),
    Mutant(
        "a password that is refused stays in the frames of its refusal",
        "credentials.py",
        "        password = Secret(password)\n",
        "",
        "tests/test_credentials.py::test_no_local_of_a_traceback_holds_a_password_that_is_refused",
    ),
    Mutant(
        "the digest of CRAM-MD5 shows where a server repeats it",
        "aio/login.py",
        "            self._digesting.append(mechanism)\n",
        "            pass\n",
        "tests/session/test_secrets.py::"
        "test_the_digest_of_cram_md5_that_is_repeated_shows_nowhere[IMAP]",
    ),
    Mutant(
        "a secret shows where a server repeats it in quoted-printable",
        "sasl/redact.py",
        "    yield quopri.encodestring(data, quotetabs=True).decode()\n",
        "",
        "tests/session/test_secrets.py::"
        "test_a_secret_that_is_repeated_before_the_login_shows_nowhere"
        "[OAUTHBEARER-quoted-printable-IMAP]",
    ),
)
