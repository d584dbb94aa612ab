"""The rules of DANE, each taken out once. `tests/mutants.py` says how the rows are read."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

DANE: Final = "tests/tls/test_dane.py"
TLSA: Final = "tests/tls/test_tlsa.py"
ROUTE: Final = "tests/aio/test_route.py"
SESSION: Final = "tests/session/test_dane.py"

DANE_MUTANTS: Final = (
    Mutant(
        "records that nothing meets leave PKIX in force",
        "tls/verdict.py",
        "    return refused(rules, Finding(CertificateReason.DANE_MISMATCH, chain[0], detail))\n",
        "    return _by_pkix(rules, chain, findings)\n",
        f"{DANE}::test_where_no_record_matches_the_connection_fails_though_pkix_would_pass",
    ),
    Mutant(
        "an anchor vouches for certificates that it did not sign",
        "tls/verdict.py",
        "    return finding.depth < depth\n",
        "    return False\n",
        f"{DANE}::test_usage_2_wants_the_signature_of_the_anchor_that_is_named_as_the_issuer",
    ),
    Mutant(
        "an anchor vouches for any name",
        "tls/verdict.py",
        "            verdict = _by_pkix(rules, chain[: match.depth + 1], relevant)\n",
        "            verdict = Verdict(Trust.DANE_TA, Identity(IdentityKind.TLSA, rules.host))\n",
        f"{DANE}::test_usage_2_still_wants_the_name",
    ),
    Mutant(
        "usages 0 and 1 do without an authority",
        "tls/verdict.py",
        "            verdict = _by_pkix(rules, chain, findings)\n",
        "            verdict = _by_pkix(rules, chain, [])\n",
        f"{DANE}::test_a_match_of_usage_0_or_1_does_not_outweigh_what_pkix_found",
    ),
    Mutant(
        "usage 3 takes any key",
        "tls/verdict.py",
        "            if not is_strong(chain[0]):\n",
        "            if False:\n",
        f"{DANE}::test_usage_3_wants_a_key_that_is_long_enough",
    ),
    Mutant(
        "usage 3 takes a key on any curve",
        "tls/dane.py",
        "            return key.key_size >= limits.CURVE_BITS\n",
        "            return True\n",
        f"{DANE}::test_usage_3_wants_a_key_that_is_long_enough",
    ),
    Mutant(
        "usage 2 may be about the server's own certificate",
        "tls/dane.py",
        "    return is_end_entity == (depth == 0)\n",
        "    return True\n",
        f"{DANE}::test_usage_2_is_never_about_the_servers_own_certificate",
    ),
    Mutant(
        "a weaker digest counts beside a stronger one",
        "tls/dane.py",
        "strongest[kind] = max(record.matching_type, strongest.get(kind, 0))",
        "strongest[kind] = record.matching_type",
        f"{TLSA}::test_a_weaker_digest_does_not_count_beside_a_stronger_one",
    ),
    Mutant(
        "records that are not secure count",
        "aio/route.py",
        "            if found.dnssec is DNSSEC.SECURE and found.records:\n",
        "            if found.records:\n",
        f"{ROUTE}::test_records_that_are_not_secure_do_not_count",
    ),
    Mutant(
        "records count where the addresses are not secure",
        "aio/route.py",
        "    if addresses.dnssec is DNSSEC.SECURE:\n",
        "    if True:\n",
        f"{ROUTE}::test_without_secure_addresses_records_are_not_even_asked_for",
    ),
    Mutant(
        "a required DANE is not required",
        "policy/confidentiality.py",
        "        yield Shortfall.NO_DANE\n",
        "        pass\n",
        f"{SESSION}::"
        "test_where_dane_is_required_and_there_is_none_neither_login_nor_certificate_leave",
    ),
    Mutant(
        "the client certificate leaves though DANE is required and there is none",
        "aio/secure.py",
        "mine if hello.shows_certificate and not is_below_minimum else None",
        "mine if hello.shows_certificate else None",
        f"{SESSION}::"
        "test_where_dane_is_required_and_there_is_none_neither_login_nor_certificate_leave",
    ),
)
