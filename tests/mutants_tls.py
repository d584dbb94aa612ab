"""The rules of the handshake, each taken out once. `tests/mutants.py` says how to read a row."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

ENGINE: Final = "tests/tls/test_engine.py"
STREAM: Final = "tests/tls/test_stream.py"
BAD_CERTIFICATES: Final = "tests/tls/test_bad_certificates.py"

TLS_MUTANTS: Final = (
    Mutant(
        "names are not compared",
        "tls/verdict.py",
        "    if identity is None:\n        detail",
        "    if False:\n        detail",
        f"{BAD_CERTIFICATES}::test_a_bad_certificate_ends_the_handshake_and_no_client_certificate_leaves",
    ),
    Mutant(
        "OpenSSL's verdict is ignored",
        "tls/handshake.py",
        "        if error:\n            self._findings",
        "        if False:\n            self._findings",
        f"{BAD_CERTIFICATES}::test_a_bad_certificate_ends_the_handshake_and_no_client_certificate_leaves",
    ),
    Mutant(
        "a refusal does not end the handshake",
        "tls/handshake.py",
        "    return handshake.refusal is None\n",
        "    return True\n",
        f"{BAD_CERTIFICATES}::test_a_bad_certificate_ends_the_handshake_and_no_client_certificate_leaves",
    ),
    Mutant(
        "nobody asks who judged the certificate",
        "tls/engine.py",
        "        self._check_verdict()\n",
        "",
        f"{BAD_CERTIFICATES}::test_a_handshake_in_which_nobody_judged_the_certificate_is_refused",
    ),
    Mutant(
        "the client certificate is shown to whom was not authenticated",
        "tls/handshake.py",
        "    if mine is None or version is None or not handshake.is_authenticated:\n",
        "    if mine is None or version is None:\n",
        f"{BAD_CERTIFICATES}::"
        "test_without_a_minimum_a_bad_certificate_is_noted_but_gets_no_client_certificate",
    ),
    Mutant(
        "the policy on TLS 1.2 and client certificates is not asked",
        "tls/handshake.py",
        "    if not handshake.may_show(version, connection.get_group_name()):\n",
        "    if False:\n",
        f"{ENGINE}::test_a_policy_can_keep_the_client_certificate_out_of_tls12",
    ),
    Mutant(
        "the policy's TLS version is not asked for",
        "tls/context.py",
        "    context.set_min_proto_version(_MINIMUM[key.minimum_tls])\n",
        "    context.set_min_proto_version(SSL.TLS1_2_VERSION)\n",
        f"{ENGINE}::test_a_policy_can_ask_for_tls13",
    ),
    Mutant(
        "suites without forward secrecy are offered",
        "tls/context.py",
        'b"ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"',
        'b"DEFAULT:@SECLEVEL=2"',
        f"{ENGINE}::test_only_suites_with_forward_secrecy_and_aead_are_offered",
    ),
    Mutant(
        "a cut line looks like an end",
        "tls/engine.py",
        "        if not self.is_closed_by_peer:\n            raise",
        "        if False:\n            raise",
        f"{STREAM}::test_an_end_without_a_close_alert_is_a_truncation",
    ),
    Mutant(
        "trouble while judging a certificate lets it pass",
        "tls/handshake.py",
        "handshake.refuse(Finding(CertificateReason.MALFORMED, _parsed(cert), detail, depth))",
        "del exc",
        f"{BAD_CERTIFICATES}::test_trouble_while_judging_a_certificate_is_a_refusal",
    ),
    Mutant(
        "weak keys are accepted",
        "tls/context.py",
        "@SECLEVEL=2",
        "@SECLEVEL=0",
        f"{BAD_CERTIFICATES}::test_a_certificate_with_a_weak_key_is_refused",
    ),
    Mutant(
        "a client certificate goes without its intermediates",
        "tls/context.py",
        "        context.add_extra_chain_cert(issuer)\n",
        "        del issuer\n",
        "tests/tls/test_client_issuers.py::"
        "test_the_chain_is_sent_in_order_and_without_what_is_not_part_of_it",
    ),
    Mutant(
        "renegotiation is allowed",
        "tls/context.py",
        "SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION",
        "SSL.OP_NO_COMPRESSION",
        "tests/tls/test_late_requests.py::"
        "test_a_server_that_renegotiates_gets_a_no_and_no_client_certificate",
    ),
)
