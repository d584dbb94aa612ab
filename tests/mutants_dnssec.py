"""The rules of DNSSEC and of the resolver, each taken out once; rows as in `tests/mutants.py`."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

GRADES: Final = "tests/discovery/test_dnssec.py"
ATTACKS: Final = "tests/discovery/test_dnssec_attacks.py"
BOUNDS: Final = "tests/discovery/test_dnssec_bounds.py"
RESOLVER: Final = "tests/aio/test_resolver.py"
LIES: Final = "tests/aio/test_resolver_lies.py"
BOGUS: Final = f"{ATTACKS}::test_what_does_not_hang_together_is_bogus"
WRONG: Final = f"{LIES}::test_what_is_no_answer_to_our_question_is_an_error"

DNSSEC_MUTANTS: Final = (
    Mutant(
        "any signature will do",
        "discovery/dnssec_signature.py",
        "        if _is_genuine(rrset, signature, zone, inspection):\n",
        "        if True:\n",
        BOGUS,
    ),
    Mutant(
        "a signature holds for ever",
        "discovery/dnssec_signature.py",
        "    if is_later(now, signature.expiration):\n",
        "    if False:\n",
        f"{GRADES}::test_signatures_count_in_their_time_only",
    ),
    Mutant(
        "a wildcard stands for any name",
        "discovery/dnssec_chain.py",
        "        if signature.labels < label_count(rrset.name):\n",
        "        if False:\n",
        BOGUS,
    ),
    Mutant(
        "a name is there and is not",
        "discovery/dnssec_chain.py",
        "        if message.rcode() == Rcode.NXDOMAIN and rrset.rdtype not in (CNAME, DNAME):\n",
        "        if False:\n",
        BOGUS,
    ),
    Mutant(
        "a zone is there and is not",
        "discovery/dnssec_chain.py",
        "            if message.rcode() == Rcode.NXDOMAIN:\n",
        "            if False:\n",
        BOGUS,
    ),
    Mutant(
        "a proof need not be of what the answer says",
        "discovery/dnssec_chain.py",
        "        if denial is None or not denial.agrees_with(message.rcode()):\n",
        "        if denial is None:\n",
        BOGUS,
    ),
    Mutant(
        "anybody says how long an absence holds",
        "discovery/dnssec_chain.py",
        "            if rrset.rdtype == SOA:\n",
        "            if False:\n",
        BOGUS,
    ),
    Mutant(
        "a zone with keys may be an alias",
        "discovery/dnssec_chain.py",
        "        if signed is None or alias_of(message, name):\n",
        "        if signed is None:\n",
        BOGUS,
    ),
    Mutant(
        "a zone with a DS may be an alias",
        "discovery/dnssec_chain.py",
        "        if alias is not None:  # the name of a zone has none\n",
        "        if alias is not None and find(message.answer, child, DS) is None:\n",
        BOGUS,
    ),
    Mutant(
        "a name with records may be an alias",
        "discovery/dnssec.py",
        "    if signed is not None and question.rdtype != CNAME:\n",
        "    if signed is not None and not find(message.answer, question.name, question.rdtype):\n",
        BOGUS,
    ),
    Mutant(
        "opt-out proves that nothing is there",
        "discovery/dnssec_nsec3.py",
        "    if covering.flags & OPTOUT:\n",
        "    if False:\n",
        f"{GRADES}::test_what_is_found_is_graded",
    ),
    Mutant(
        "opt-out makes any NXDOMAIN good",
        "discovery/dnssec_nsec3.py",
        "        return Denial(DNSSEC.INSECURE, is_name=None if is_absent else True)\n",
        "        return Denial(DNSSEC.INSECURE)\n",
        BOGUS,
    ),
    Mutant(
        "a proof that is not signed is left out of account",
        "discovery/dnssec_chain.py",
        "            elif rrset.name.is_subdomain(apex) and not is_others:\n",
        "            elif False:\n",
        BOGUS,
    ),
    Mutant(
        "a name may be hashed any number of times",
        "discovery/dnssec_nsec3.py",
        "        return bool(self.links[0].record.iterations > limits.NSEC3_ITERATIONS)\n",
        "        return False\n",
        f"{GRADES}::test_proofs_that_cost_too_many_iterations_leave_a_zone_insecure",
    ),
    Mutant(
        "hashes cost nothing",
        "discovery/dnssec_nsec3.py",
        "        self.inspection.hash()\n",
        "",
        f"{BOUNDS}::test_each_hash_is_paid_for",
    ),
    Mutant(
        "verifications in vain cost nothing",
        "discovery/dnssec_signature.py",
        "        inspection.fail()\n",
        "",
        f"{BOUNDS}::test_each_verification_in_vain_is_paid_for",
    ),
    Mutant(
        "any number of proofs is read",
        "discovery/dnssec_chain.py",
        "islice(_denials(message, zone.name), limits.DNS_DENIALS)",
        "_denials(message, zone.name)",
        f"{BOUNDS}::test_proofs_are_read_up_to_the_bound_and_those_behind_it_do_not_count",
    ),
    Mutant(
        "the answer to another question counts",
        "aio/resolver_ask.py",
        "    if not query.is_response(parsed(data)):\n",
        "    if False:\n",
        WRONG,
    ),
    Mutant(
        "what is cut off over TCP counts as whole",
        "aio/resolver_ask.py",
        "        if parsed(data).flags & dns.flags.TC:\n            #",
        "        if False:\n            #",
        f"{LIES}::test_a_long_answer_that_never_comes_whole_is_an_error",
    ),
    Mutant(
        "a forged number ends the wait for the true answer",
        "aio/resolver_ask.py",
        '        if self.answer.done() or data[:2] != self._query.id.to_bytes(2, "big"):\n',
        "        if self.answer.done():\n",
        f"{LIES}::test_a_forged_number_does_not_keep_the_true_answer_out",
    ),
    Mutant(
        "a look-up may take as long as the resolver likes",
        "aio/resolver_lookup.py",
        "            async with asyncio.timeout(self.timeout_s):\n",
        "            async with asyncio.timeout(None):\n",
        f"{RESOLVER}::test_a_resolver_that_answers_nothing_ends_in_its_time_limit",
    ),
)
