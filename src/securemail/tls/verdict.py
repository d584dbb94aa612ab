"""Whether the server is who it should be: one decision, from all that the handshake showed.

OpenSSL reports what it finds wanting in a chain; what follows from it is decided here. No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from securemail.errors import CertificateError
from securemail.proof import CertificateReason, Identity, Trust
from securemail.records import TLSARecord
from securemail.tls.identity import match_identity, names_of, reference_identities


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an account holds a server to.

    `must_validate` is false only for accounts without a minimum: then a bad certificate is noted
    and the handshake goes on. `tlsa` are the records that the DNS has for the server, DNSSEC-secure
    all of them; empty where it has none. `srv_id` is the service of the mail domain whose SRV
    record led to the host ("_imaps.example.org"), if one did.
    """

    host: str
    is_address: bool
    must_validate: bool
    tlsa: tuple[TLSARecord, ...] = ()
    srv_id: str = ""

    @property
    def may_accept_in_spite_of_findings(self) -> bool:
        """Whether something else than an authority may vouch for the certificate."""
        return bool(self.tlsa)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a certificate of the chain; `depth` 0 is the server's own.

    `detail` is a clause for a person; where it begins with "it ", that is the server's own.
    """

    reason: CertificateReason
    certificate: x509.Certificate | None
    detail: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server's authenticity rests on, and under which name; or why it was not accepted."""

    trust: Trust
    identity: Identity | None = None
    failure: CertificateError | None = None


def decide(rules: Rules, chain: Sequence[x509.Certificate], findings: Sequence[Finding]) -> Verdict:
    """Return the verdict on `chain`, the server's own certificate first.

    `findings` is what PKIX validation (RFC 5280) found wanting in it, in that order.

    Raises: ValueError when the certificate's names cannot be read.
    """
    if findings:
        return refused(rules, findings[0])
    wanted = reference_identities(rules.host, is_address=rules.is_address, srv_id=rules.srv_id)
    identity = match_identity(chain[0], wanted)
    if identity is None:
        detail = f"it is for {names_of(chain[0])}"
        return refused(rules, Finding(CertificateReason.NAME_MISMATCH, chain[0], detail))
    return Verdict(Trust.PKIX, identity)


def refused(rules: Rules, finding: Finding) -> Verdict:
    """Return the verdict that a certificate is not accepted because of `finding`."""
    # One sentence: "the certificate of mail.example.org expired 3 days ago".
    is_about_it = finding.detail.startswith("it ")
    says = finding.detail[2:] if is_about_it else f" is not accepted: {finding.detail}"
    error = CertificateError(
        f"the certificate of {rules.host}{says}",
        reason=finding.reason,
        certificate=finding.certificate,
    )
    return Verdict(Trust.NONE, failure=error)
