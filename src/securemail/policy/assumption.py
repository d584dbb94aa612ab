"""What may be assumed of a server that was seen before. No I/O here.

A client that knows what a server can do logs in without waiting for the answer to CAPABILITY or
CAPA, which it asks for all the same, in one flight with the login.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from cryptography import x509

from securemail.minimum import Policy
from securemail.policy.confidentiality import may_resume
from securemail.proof import CertificateReason, Identity, Proof, TLSVersion, Trust
from securemail.records import TLSARecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """As what a server stood there: equal for connections that have proved the same of it.

    Whether TLS was resumed is no part of it, since that goes back to the same evidence.
    """

    tls_version: TLSVersion
    trust: Trust
    identity: Identity | None
    tlsa: TLSARecord | None
    problems: tuple[CertificateReason, ...]
    client_certificate_sent: bool
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def of(cls, proof: Proof) -> Self:
        """Return what `proof` makes of the server."""
        return cls(
            tls_version=proof.tls_version,
            trust=proof.trust,
            identity=proof.identity,
            tlsa=proof.tlsa,
            problems=proof.problems,
            client_certificate_sent=proof.client_certificate_sent,
            chain=proof.chain,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server said inside TLS that it can do, and as what it stood there."""

    capabilities: frozenset[str]
    standing: Standing


def may_assume(policy: Policy, proof: Proof) -> bool:
    """Return whether anything may be learnt from a connection with `proof`, or assumed on it.

    Only with a minimum: an assumption that was wrong costs a second connection, and there it is the
    gate that sees to it that this one is no weaker than the first.
    """
    return policy.has_minimum and may_resume(policy, proof)
