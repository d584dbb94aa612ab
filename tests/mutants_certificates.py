"""The rules on the server's certificate, deleted one by one; see mutants.py."""

from __future__ import annotations

from typing import Final

from tests.mutants import Mutant

NAMES: Final = "tests/tls/test_identity.py"
HOSTS: Final = f"{NAMES}::test_a_dns_name_is_for_a_host_or_it_is_not"
CHAINS: Final = "tests/tls/test_chains.py"
OWN_REASON: Final = f"{CHAINS}::test_a_chain_that_is_not_is_refused_for_its_own_reason"
KINDS: Final = f"{NAMES}::test_no_other_kind_of_name_is_for_a_host_and_none_spoils_one_that_is"
SRV: Final = f"{NAMES}::test_a_server_found_by_srv_is_the_domains_or_the_host_itself"

CERTIFICATE_MUTANTS: Final = (
    Mutant(
        "a wildcard speaks for a whole top-level domain",
        "tls/identity.py",
        'if first == "*" and "." in rest:',
        'if first == "*" and rest:',
        HOSTS,
    ),
    Mutant(
        "a wildcard may be a part of a label",
        "tls/identity.py",
        'if first == "*" and "." in rest:',
        'if "*" in first and "." in rest:',
        HOSTS,
    ),
    Mutant(
        "a wildcard spans labels",
        "tls/identity.py",
        'return host.partition(".")[2] == rest',
        'return host.endswith("." + rest)',
        HOSTS,
    ),
    Mutant(
        "names are compared as Unicode",
        "tls/identity.py",
        "    return name.lower() if name.isascii() else name\n",
        "    return name.lower()\n",
        HOSTS,
    ),
    Mutant(
        "a name of any kind is a host's",
        "tls/identity.py",
        "return isinstance(name, x509.DNSName) and _matches(name.value, wanted.name)",
        "return _matches(str(name.value), wanted.name)",
        KINDS,
    ),
    Mutant(
        "any otherName is an SRVName",
        "tls/identity.py",
        "    if name.type_id != _SRV_NAME:\n",
        "    if False:\n",
        f"{NAMES}::test_a_name_of_another_type_is_no_srv_name",
    ),
    Mutant(
        "an SRVName stands for all services",
        "tls/identity.py",
        "_srv_name(name) == wanted.name",
        '(_srv_name(name) or "").partition(".")[2] == wanted.name.partition(".")[2]',
        SRV,
    ),
    Mutant(
        "the mail domain is the server though no SRV record led there",
        "account.py",
        'return f"{name}.{self.srv_domain}" if name and self.srv_domain else ""',
        'return f"{name}.{self.srv_domain or self.host[5:]}"',
        "tests/session/test_identity.py::"
        "test_without_an_srv_record_the_mail_domain_is_not_the_server",
    ),
    Mutant(
        "any number of names is compared",
        "tls/identity.py",
        "    if len(names) > limits.CERTIFICATE_NAMES:\n",
        "    if False:\n",
        f"{NAMES}::test_hostile_names_are_a_refusal_and_soon",
    ),
    Mutant(
        "what OpenSSL finds last is not listened to",
        "tls/handshake.py",
        "is_due = depth == 0 if not error else self.verdict is not None",
        "is_due = depth == 0 and not error",
        "tests/tls/test_late_findings.py::test_a_name_that_an_issuer_may_not_certify_is_refused",
    ),
    Mutant(
        "a wildcard speaks for a name that its issuer is kept from",
        "tls/verdict.py",
        "identity if may_certify(chain[1:], identity) else _permitted(chain, wanted)",
        "identity",
        OWN_REASON,
    ),
    Mutant(
        "an issuer that is kept from a domain speaks for its services",
        "tls/constraints.py",
        '            name = identity.name.partition(".")[2]\n',
        "            return True\n",
        "tests/tls/test_constraints.py::test_an_issuer_may_speak_for_a_name_or_it_may_not",
    ),
    Mutant(
        "an intermediate that is missing looks like an unknown authority",
        "tls/reasons.py",
        "UNKNOWN_ISSUER if depth == 0 and _names_its_issuers(certificate)",
        "UNKNOWN_ISSUER if False",
        OWN_REASON,
    ),
    Mutant(
        "a key that may not sign looks like a certificate of no authority",
        "tls/reasons.py",
        "NO_AUTHORITY if _is_marked_as_authority(certificate)",
        "NO_AUTHORITY if False",
        OWN_REASON,
    ),
    Mutant(
        "a key that is not for TLS looks like a certificate of a client",
        "tls/reasons.py",
        "PURPOSE if depth == 0 and _is_for_servers(certificate)",
        "PURPOSE if False",
        OWN_REASON,
    ),
    Mutant(
        "a refusal does not say which certificate it is about",
        "tls/findings.py",
        '    if depth == 0:\n        return "it"\n',
        '    if True:\n        return "it"\n',
        OWN_REASON,
    ),
    Mutant(
        "a refusal does not say how long ago",
        "tls/findings.py",
        "_span(now - end)",
        "_span(end - now)",
        "tests/tls/test_findings.py::test_a_person_reads_how_long_ago_and_when",
    ),
)
