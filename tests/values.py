"""Values that many tests need."""

from __future__ import annotations

import warnings
from dataclasses import replace

import dns.message

from securemail import ConfidentialityWarning, Identity, IdentityKind, Policy, TLSVersion, Trust
from securemail.proof import Proof

GOOD_PROOF = Proof(
    tls_version=TLSVersion.TLS_1_3,
    cipher="TLS_AES_256_GCM_SHA384",
    group="X25519MLKEM768",
    trust=Trust.PKIX,
    identity=Identity(IdentityKind.DNS_ID, "mail.example.org"),
    chain=(),
    failure=None,
    resumed=False,
    client_certificate_requested=False,
    client_certificate_sent=False,
)
UNVALIDATED_PROOF = replace(GOOD_PROOF, trust=Trust.NONE, identity=None)


def no_minimum() -> Policy:
    """Return a policy without a minimum, its warning taken as read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConfidentialityWarning)
        return Policy.without_minimum(acknowledge="a test that has nothing to hide")


async def silent(_query: dns.message.Message) -> bytes | None:
    """Be a name server that answers nothing."""
    return None
