"""Whether the server is who it should be: one decision, from all that the handshake showed.

OpenSSL reports what it finds wanting in a chain; what follows from it is decided here. No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail.errors import CertificateError
from securemail.pin import Pin, fingerprint
from securemail.proof import CertificateReason, Identity, IdentityKind, Trust
from securemail.records import TLSARecord
from securemail.revocation import Revocation
from securemail.tls.constraints import may_certify
from securemail.tls.dane import Match, Usage, is_strong, matches
from securemail.tls.identity import match_identity, names_of, reference_identities

# What PKIX says of a chain whose last certificate no authority has issued.
_NO_ANCHOR: Final = frozenset(
    {
        CertificateReason.INCOMPLETE_CHAIN,
        CertificateReason.UNKNOWN_ISSUER,
        CertificateReason.SELF_SIGNED,
    }
)

# What an issuer's word is missing or worth nothing.
_NO_STAPLE: Final = frozenset({CertificateReason.STAPLE_MISSING, CertificateReason.STAPLE_INVALID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an account holds a server to.

    `must_validate` is false only for accounts without a minimum: then a bad certificate is noted
    and the handshake goes on. `tlsa` are the usable records that the DNS has for the server, all of
    them DNSSEC-secure, and `tlsa_base` the name at which they stand: the host, or what it is an
    alias of (RFC 7671 section 7). Where there are records, one of them must be met. `srv_id` is the
    service of the mail domain whose SRV record led to the host ("_imaps.example.org"), if one did.
    `pin` is what a person has accepted for this server; it is None for accounts with a minimum.
    `revocation` is what to ask about it: where it is not OFF, a staple is asked for and judged.
    """

    host: str
    is_address: bool
    must_validate: bool
    tlsa: tuple[TLSARecord, ...] = ()
    tlsa_base: str = ""
    srv_id: str = ""
    pin: Pin | None = None
    revocation: Revocation = Revocation.OFF

    @property
    def may_accept_in_spite_of_findings(self) -> bool:
        """Whether something else than an authority may vouch for the certificate."""
        if self.pin is not None:
            return True
        return any(record.usage in (Usage.DANE_TA, Usage.DANE_EE) for record in self.tlsa)

    @property
    def server_name(self) -> str:
        """What SNI says: the name at which the records stand, where there are any (RFC 7671)."""
        return self.tlsa_base if self.tlsa else self.host


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
    tlsa: TLSARecord | None = None


def decide(rules: Rules, chain: Sequence[x509.Certificate], findings: Sequence[Finding]) -> Verdict:
    """Return the verdict on `chain`, the server's own certificate first.

    `findings` is what PKIX validation (RFC 5280) found wanting in it, in that order.

    Raises: ValueError when the certificate's names cannot be read.
    """
    if rules.tlsa:
        return _by_dane(rules, chain, findings)
    verdict = _by_pkix(rules, chain, findings)
    if verdict.failure is None or rules.pin is None:
        return verdict  # RFC 6125 section 6.6: a certificate that validates needs no pin
    if not rules.pin.is_for(chain[0]):
        return refused(rules, _mismatch(rules.pin, chain[0], verdict.failure.reason))
    serious = [each for each in findings if not _is_excused(rules.pin, each)]
    return refused(rules, serious[0]) if serious else Verdict(Trust.PIN)


def problems_of(
    rules: Rules, chain: Sequence[x509.Certificate], findings: Sequence[Finding]
) -> tuple[CertificateReason, ...]:
    """Return all that PKIX holds against `chain`, for a person who has to judge it.

    Raises: ValueError as `decide`.
    """
    by_name = _by_pkix(rules, chain, ()).failure
    found = [each.reason for each in findings] + ([by_name.reason] if by_name else [])
    return tuple(dict.fromkeys(found))


def _by_pkix(
    rules: Rules, chain: Sequence[x509.Certificate], findings: Sequence[Finding]
) -> Verdict:
    if findings:
        return refused(rules, findings[0])
    wanted = _wanted(rules)
    identity = match_identity(chain[0], wanted)
    if identity is None:
        detail = f"it is for {names_of(chain[0])}"
        return refused(rules, Finding(CertificateReason.NAME_MISMATCH, chain[0], detail))
    permitted = identity if may_certify(chain[1:], identity) else _permitted(chain, wanted)
    if permitted is None:
        detail = f"it was issued by an authority that may not speak for {identity.name}"
        return refused(rules, Finding(CertificateReason.NAME_CONSTRAINTS, chain[0], detail))
    return Verdict(Trust.PKIX, permitted)


def _permitted(chain: Sequence[x509.Certificate], wanted: Sequence[Identity]) -> Identity | None:
    """Return the first name that the certificate is for and its issuers may speak for."""
    return match_identity(chain[0], list(filter(partial(may_certify, chain[1:]), wanted)))


def _by_dane(
    rules: Rules, chain: Sequence[x509.Certificate], findings: Sequence[Finding]
) -> Verdict:
    """Return the best that the records allow: where there are any, one of them must be met."""
    found = matches(rules.tlsa, chain)
    verdicts = [_by_match(rules, match, chain, findings) for match in found]
    if verdicts:
        return next((verdict for verdict in verdicts if verdict.failure is None), verdicts[0])
    records = ", ".join(f"{tlsa.usage} {tlsa.selector} {tlsa.matching_type}" for tlsa in rules.tlsa)
    detail = f"no certificate of the chain meets the TLSA records of {rules.tlsa_base} ({records})"
    return refused(rules, Finding(CertificateReason.DANE_MISMATCH, chain[0], detail))


def _by_match(
    rules: Rules, match: Match, chain: Sequence[x509.Certificate], findings: Sequence[Finding]
) -> Verdict:
    match match.usage:
        case Usage.DANE_EE:
            # RFC 7671 section 5.1: neither names nor dates nor issuers matter.
            verdict = Verdict(Trust.DANE_EE, Identity(IdentityKind.TLSA, rules.tlsa_base))
            if not is_strong(chain[0]):
                detail = "it has a key that is too weak"
                verdict = refused(rules, Finding(CertificateReason.WEAK_KEY, chain[0], detail))
        case Usage.DANE_TA:
            relevant = [each for each in findings if _is_below_anchor(each, match.depth)]
            verdict = _by_pkix(rules, chain[: match.depth + 1], relevant)
            if verdict.failure is None:
                verdict = replace(verdict, trust=Trust.DANE_TA)
        case Usage.PKIX_EE | Usage.PKIX_TA:
            verdict = _by_pkix(rules, chain, findings)
    return verdict if verdict.failure else replace(verdict, tlsa=match.record)


def _is_below_anchor(finding: Finding, depth: int) -> bool:
    """Return whether `finding` matters though the certificate at `depth` is a trust anchor."""
    if finding.depth == depth:
        return finding.reason not in _NO_ANCHOR
    return finding.depth < depth


def _wanted(rules: Rules) -> tuple[Identity, ...]:
    hosts = tuple(dict.fromkeys((rules.server_name, rules.host)))  # RFC 7671 section 7: both do
    return reference_identities(hosts, is_address=rules.is_address, srv_id=rules.srv_id)


def _is_excused(pin: Pin, finding: Finding) -> bool:
    """Return whether a person has accepted `finding` with the certificate (RFC 8314 section 5.4).

    What stands above a pinned certificate vouches for nothing, so that no staple is missed. Its
    dates do matter, as does its issuer's word that it is revoked: they are the ends that it has,
    unless it was over when the person accepted it.
    """
    if finding.depth > 0 or finding.reason in _NO_ANCHOR | _NO_STAPLE:
        return True
    return finding.reason is CertificateReason.EXPIRED and pin.was_expired


def _mismatch(pin: Pin, found: x509.Certificate, reason: CertificateReason) -> Finding:
    detail = (
        f"it is {fingerprint(found.public_bytes(Encoding.DER))} ({reason.value}), "
        f"and {pin.fingerprint} was accepted on {pin.made_at:%Y-%m-%d}"
    )
    return Finding(CertificateReason.PIN_MISMATCH, found, detail)


def refused(rules: Rules, finding: Finding) -> Verdict:
    """Return the verdict that a certificate is not accepted because of `finding`."""
    # One sentence: "the certificate of mail.example.org expired 3 days ago".
    is_about_it = finding.detail.startswith("it ")
    says = finding.detail[2:] if is_about_it else f" is not accepted: {finding.detail}"
    error = CertificateError(
        f"the certificate of {rules.host}{says}",
        reason=finding.reason,
        certificate=finding.certificate,
        pinned=rules.pin.certificate if rules.pin else None,
    )
    return Verdict(Trust.NONE, failure=error)
