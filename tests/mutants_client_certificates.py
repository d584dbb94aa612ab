"""The rules on the account's own certificate, deleted one by one; see mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

VALUES: Final = "tests/test_client_certificate.py"
ISSUERS: Final = "tests/tls/test_client_issuers.py"
WIRE: Final = "tests/session/test_client_issuers.py"

CLIENT_CERTIFICATE_MUTANTS: Final = (
    Mutant(
        "with TLS 1.3 nobody asks which issuers the server takes",
        "tls/handshake.py",
        "    if not _is_welcome(connection, mine):\n",
        "    if False:\n",
        f"{ISSUERS}::test_on_tls13_a_certificate_that_is_not_welcome_stays_and_the_proof_says_so",
    ),
    Mutant(
        "with TLS 1.2 nobody asks which issuers the server takes",
        "tls/handshake.py",
        "                _reconsider(connection, handshake)\n",
        "                pass\n",
        f"{WIRE}::test_a_certificate_that_is_not_welcome_stays_and_the_password_logs_in",
    ),
    Mutant(
        "with TLS 1.2 the list of issuers is read for each octet behind it",
        "tls/handshake.py",
        "            if where & SSL.SSL_CB_LOOP:",
        "            if True:",
        f"{ISSUERS}::test_the_list_of_issuers_is_not_read_again_for_each_octet_behind_it",
    ),
    Mutant(
        "the answer with the certificate in it is sent though the handshake ends",
        "tls/engine.py",
        "                self.outgoing()  # the certificate is in it\n",
        "                pass\n",
        f"{WIRE}::test_a_certificate_that_is_not_welcome_stays_and_the_password_logs_in",
    ),
    Mutant(
        "dates of a client certificate are not looked at",
        "aio/connection.py",
        "            account.client_certificate.check(now())\n",
        "            pass\n",
        "tests/session/test_client_dates.py::"
        "test_an_account_with_a_certificate_out_of_its_time_connects_to_nobody",
    ),
    Mutant(
        "a server's certificate is a client's as well",
        "certificate.py",
        "_CLIENT_USAGES.isdisjoint(purposes)",
        "not purposes",
        f"{VALUES}::test_a_certificate_that_is_not_for_clients_is_refused",
    ),
    Mutant(
        "a key that may not sign is a client's",
        "certificate.py",
        "isinstance(usage, x509.KeyUsage) and not usage.digital_signature",
        "usage is False",
        f"{VALUES}::test_a_certificate_that_is_not_for_clients_is_refused",
    ),
    Mutant(
        "an issuer is one by name",
        "certificate.py",
        "        certificate.verify_directly_issued_by(issuer)\n",
        "        return certificate.issuer == issuer.subject\n",
        f"{VALUES}::test_an_issuer_by_name_alone_is_left_out",
    ),
    Mutant(
        "what the account trusts goes behind its certificate",
        "tls/context.py",
        "SSL.MODE_RELEASE_BUFFERS | _NO_AUTO_CHAIN",
        "SSL.MODE_RELEASE_BUFFERS",
        f"{ISSUERS}::test_what_the_account_trusts_is_not_sent_behind_its_certificate",
    ),
    Mutant(
        "a frame of a traceback holds the key",
        "certificate.py",
        '        source, key = b"", None\n',
        "",
        f"{VALUES}::test_what_is_refused_shows_neither_password_nor_key",
    ),
    Mutant(
        "a frame of a traceback holds the password of the key",
        "certificate.py",
        "        password = None if password is None else Secret(password)\n        own, other",
        "        own, other",
        f"{VALUES}::test_what_is_refused_shows_neither_password_nor_key",
    ),
)
