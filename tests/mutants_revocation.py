"""The rules about revocation, each taken out once. `tests/mutants.py` says how rows are read."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

STAPLE: Final = "tests/tls/test_staple.py"
RULE: Final = "tests/tls/test_revocation.py"
REVOCATION_EXCEPTIONS: Final = "tests/tls/test_revocation_exceptions.py"
POLICY: Final = "tests/policy/test_confidentiality.py"
WIRE: Final = "tests/servers/test_revocation_on_openssl.py"

USELESS: Final = f"{STAPLE}::test_what_does_not_hold_in_every_way_proves_nothing_and_says_why"
TABLE: Final = (
    f"{RULE}::test_a_staple_must_be_good_and_none_will_do_where_none_is_promised_or_wanted"
)
LEAVES: Final = (
    f"{WIRE}::test_a_server_that_is_not_gets_an_alert_and_neither_certificate_nor_command"
)

REVOCATION_MUTANTS: Final = (
    Mutant(
        "a revoked certificate is accepted",
        "tls/revocation.py",
        "            return Finding(CertificateReason.REVOKED, chain[0], status.detail)\n",
        "            return None\n",
        TABLE,
    ),
    Mutant(
        "a staple that proves nothing is no worse than none",
        "tls/revocation.py",
        "            return Finding(CertificateReason.STAPLE_INVALID, chain[0], status.detail)\n",
        "            return None\n",
        TABLE,
    ),
    Mutant(
        "a promise of a staple may be broken",
        "tls/revocation.py",
        "    if promises_staple(chain):\n",
        "    if False:\n",
        TABLE,
    ),
    Mutant(
        "a required staple is not required",
        "tls/revocation.py",
        "    elif wanted is Revocation.REQUIRED:\n",
        "    elif False:\n",
        TABLE,
    ),
    Mutant(
        "a refusal for what was stapled does not end the handshake",
        "tls/revocation.py",
        "    return handshake.refusal is None\n",
        "    return True\n",
        LEAVES,
    ),
    Mutant(
        "a revoked server gets the client certificate of an account without a minimum",
        "tls/handshake.py",
        "self.rules.must_validate or self.is_certificate_loaded",
        "self.rules.must_validate",
        f"{REVOCATION_EXCEPTIONS}::test_without_a_minimum_a_revoked_server_gets_no_client_certificate",
    ),
    Mutant(
        "no staple is asked for",
        "tls/engine.py",
        "            self._connection.request_ocsp()\n",
        "            pass\n",
        f"{RULE}::test_a_good_staple_is_in_the_proof_and_the_client_certificate_leaves",
    ),
    Mutant(
        "a session outlives its staple",
        "tls/resumption.py",
        "*_not_known_good(evidence, rules, now)]",
        "]",
        f"{REVOCATION_EXCEPTIONS}::test_a_session_is_not_taken_up_when_the_staple_has_run_out",
    ),
    Mutant(
        "the gate does not mind that nothing was proved",
        "policy/confidentiality.py",
        "        yield Shortfall.REVOCATION\n",
        "        pass\n",
        f"{POLICY}::test_shortfalls_are_what_the_policy_asks_for_and_the_proof_lacks",
    ),
    Mutant(
        "anybody signs a staple",
        "tls/staple.py",
        "    _check_signature(response, signer)\n",
        "",
        USELESS,
    ),
    Mutant(
        "a signature by SHA-1 is one",
        "tls/staple.py",
        "(hashes.SHA256, hashes.SHA384, hashes.SHA512)",
        "(hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)",
        f"{STAPLE}::test_a_signature_by_sha1_proves_nothing",
    ),
    Mutant(
        "whoever shows a certificate speaks for the issuer",
        "tls/staple.py",
        "        _check_delegate(signer, issuer, now)\n",
        "        pass\n",
        USELESS,
    ),
    Mutant(
        "a delegate may be another authority's",
        "tls/staple.py",
        "        delegate.verify_directly_issued_by(issuer)\n",
        "        pass\n",
        USELESS,
    ),
    Mutant(
        "any certificate of the issuer's speaks for it",
        "tls/staple.py",
        "    if not _may_sign(delegate.extensions):\n",
        "    if False:\n",
        USELESS,
    ),
    Mutant(
        "a delegate speaks on after its time",
        "tls/staple.py",
        "    if is_over(delegate.not_valid_after_utc, now) or ",
        "    if ",
        USELESS,
    ),
    Mutant(
        "a staple may be about another certificate",
        "tls/staple.py",
        "    if single.serial_number != certificate.serial_number:\n",
        "    if False:\n",
        USELESS,
    ),
    Mutant(
        "a staple may be about a certificate of another issuer",
        "tls/staple.py",
        "    return (question.issuer_name_hash, question.issuer_key_hash) == (",
        "    return True or (question.issuer_name_hash, question.issuer_key_hash) == (",
        USELESS,
    ),
    Mutant(
        "a staple is good for ever",
        "tls/staple.py",
        "    if is_over(until, now):\n",
        "    if False:\n",
        USELESS,
    ),
    Mutant(
        "a staple without an end is good",
        "tls/staple.py",
        "    if until is None:\n        raise",
        "    if until is None:\n        return RevocationStatus(CertStatus.GOOD)\n        raise",
        USELESS,
    ),
    Mutant(
        "a staple of any size is read",
        "tls/staple.py",
        "    if len(staple) > limits.STAPLE_BYTES:\n",
        "    if False:\n",
        USELESS,
    ),
    Mutant(
        "a condition that is not known is as good as met",
        "tls/staple.py",
        "        if each.critical and ",
        "        if False and ",
        USELESS,
    ),
)
