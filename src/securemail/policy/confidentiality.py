"""What a connection proved, held against what its account asks for (RFC 8314 section 5.2, 5.3).

Pure functions of two values. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography import x509

from securemail.intent import Phase
from securemail.minimum import Policy, stricter
from securemail.proof import CertificateReason, Identity, Proof, Shortfall, TLSVersion, Trust
from securemail.records import TLSARecord
from securemail.revocation import CertStatus, Revocation, RevocationStatus

_VALIDATED: Final = frozenset({Trust.PKIX, Trust.DANE_TA, Trust.DANE_EE})
# The hybrid groups of draft-ietf-tls-ecdhe-mlkem and the pure ones, as OpenSSL spells them.
_POST_QUANTUM_MARK: Final = "mlkem"


def shortfalls(policy: Policy, proof: Proof | None) -> frozenset[Shortfall]:
    """Return every way in which `proof` is less than `policy` asks for; the gate is open at none.

    `proof` is None as long as there is no TLS.
    """
    if not policy.has_minimum:
        return frozenset()
    if proof is None:
        return frozenset({Shortfall.NO_TLS})
    return frozenset(_missing(policy, proof))


def _missing(policy: Policy, proof: Proof) -> Iterator[Shortfall]:
    if proof.tls_version < policy.minimum_tls:
        yield Shortfall.TLS_VERSION
    if proof.trust is Trust.PIN:
        yield Shortfall.PINNED
    elif proof.trust not in _VALIDATED or proof.identity is None:
        yield Shortfall.CERTIFICATE
    if policy.require_dane and proof.tlsa is None:
        yield Shortfall.NO_DANE
    if policy.revocation is Revocation.REQUIRED and not is_known_good(proof):
        yield Shortfall.REVOCATION
    if policy.require_post_quantum and not is_post_quantum(proof.group):
        yield Shortfall.NO_POST_QUANTUM
    if proof.client_certificate_withheld and not _may_be_seen(policy, proof.tls_version):
        yield Shortfall.CLIENT_CERTIFICATE_VISIBLE


def is_known_good(proof: Proof) -> bool:
    """Return whether somebody stands by the server's certificate today.

    Its issuer does in a staple. A key that the DNS names has no issuer (RFC 7671 section 5.1): the
    domain stands by it as long as the record is there, which is looked up for each connection.
    """
    return proof.trust is Trust.DANE_EE or proof.revocation.cert_status is CertStatus.GOOD


def is_post_quantum(group: str | None) -> bool:
    """Return whether a key exchange in `group` stays secret from a quantum computer."""
    return group is not None and _POST_QUANTUM_MARK in group.lower()


def may_show_client_certificate(policy: Policy, version: TLSVersion, group: str | None) -> bool:
    """Return whether the account lets its certificate be seen there (RFC 8314 section 8).

    In TLS 1.2 all the path sees it. Behind a `group` that does not resist a quantum computer it
    can be read one day by whoever recorded it, as anything that the account asks to be kept.
    """
    if policy.require_post_quantum and not is_post_quantum(group):
        return False
    return _may_be_seen(policy, version)


def _may_be_seen(policy: Policy, version: TLSVersion) -> bool:
    return version is TLSVersion.TLS_1_3 or not policy.require_tls13_for_client_certificate


def may_resume(policy: Policy, proof: Proof) -> bool:
    """Return whether a session may be taken up whose full handshake has left `proof`.

    Only what is confidential: neither pins nor certificates that nobody vouches for are carried
    over, with a minimum or without.
    """
    return not shortfalls(stricter(policy), proof)


class Level(Enum):
    """How private a connection is, from what was proved alone: the policy cannot raise it."""

    NONE = "none"
    """Cleartext."""
    UNAUTHENTICATED = "unauthenticated"
    """Encrypted, but nobody knows to whom."""
    PINNED = "pinned"
    """Encrypted to the certificate seen at setup, which is not the same as authenticated."""
    REDUCED = "reduced"
    """Encrypted to the authenticated server, but not all that the account asks for is met."""
    CONFIDENTIAL = "confidential"
    """Encrypted to the authenticated server, and all that the account asks for is met."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """What to show a person about a connection (RFC 8314 section 5, the "lock").

    `code` is stable and for programs; `is_locked` is true for confidential connections only, so a
    user interface may draw a closed lock from it and nothing else.
    """

    code: str
    label: str
    sentence: str
    is_locked: bool


INDICATORS: Final = {
    Level.NONE: Indicator(
        "cleartext",
        "not private",
        "Anyone on the way can read and change this mail, and the password with it.",
        is_locked=False,
    ),
    Level.UNAUTHENTICATED: Indicator(
        "unauthenticated",
        "not private",
        "The connection is encrypted, but nothing shows that it leads to the right server.",
        is_locked=False,
    ),
    Level.PINNED: Indicator(
        "pinned",
        "not assured",
        "The connection leads to the server that was seen at setup, whoever that was.",
        is_locked=False,
    ),
    Level.REDUCED: Indicator(
        "reduced",
        "less than asked for",
        "The connection leads to the right server, but protects less than the account asks for.",
        is_locked=False,
    ),
    Level.CONFIDENTIAL: Indicator(
        "confidential",
        "private",
        "The connection is encrypted and leads to the server that it should.",
        is_locked=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidentiality:
    """The record of what one connection proved: `session.confidentiality`.

    `shortfalls` says what is missing from a confidential connection under the account's policy, or
    under the RFC's minimum where the account has none. `cipher`, `group`, `tls_version` and
    `identity` are None in cleartext. `failure` is why the certificate was not accepted, where an
    account without a minimum went on regardless, and `problems` all that is wrong with it. `tlsa`
    is the DANE record that the server met, if there is one, whatever `trust` rests on (RFC 6698).
    `chain` is the verified chain, the server's certificate first. `revocation` is what its issuer
    says about the first, as far as the server has stapled it; with DANE-EE and pins it vouches for
    nothing. `without_hybrid`: the server left a first handshake without a word, and this one
    offered no post-quantum group for that. `client_certificate_problem` says why the account's
    client certificate was not shown to a server that may have asked for it.
    """

    level: Level
    shortfalls: frozenset[Shortfall]
    tls_version: TLSVersion | None = None
    cipher: str | None = None
    group: str | None = None
    trust: Trust = Trust.NONE
    identity: Identity | None = None
    chain: tuple[x509.Certificate, ...] = ()
    failure: CertificateReason | None = None
    problems: tuple[CertificateReason, ...] = ()
    tlsa: TLSARecord | None = None
    revocation: RevocationStatus = RevocationStatus()
    resumed: bool = False
    without_hybrid: bool = False
    client_certificate_requested: bool = False
    client_certificate_sent: bool = False
    client_certificate_problem: str | None = None

    @property
    def is_client_certificate_visible(self) -> bool:
        """Whether the client certificate was shown to everybody on the path (RFC 8314 section 8).

        TLS 1.2 sends it before anything is encrypted.
        """
        return self.client_certificate_sent and self.tls_version is TLSVersion.TLS_1_2

    @property
    def indicator(self) -> Indicator:
        """What to show a person; never stronger than the facts."""
        return INDICATORS[self.level]


def confidentiality(policy: Policy, proof: Proof | None) -> Confidentiality:
    """Return the record for a person and a program: the facts, the level and what is missing."""
    missing = shortfalls(stricter(policy), proof)
    if proof is None:
        return Confidentiality(level=Level.NONE, shortfalls=missing)
    return Confidentiality(
        level=_level(proof, missing),
        shortfalls=missing,
        tls_version=proof.tls_version,
        cipher=proof.cipher,
        group=proof.group,
        trust=proof.trust,
        identity=proof.identity,
        chain=proof.chain,
        failure=proof.failure,
        problems=proof.problems,
        tlsa=proof.tlsa,
        revocation=proof.revocation,
        resumed=proof.resumed,
        without_hybrid=proof.without_hybrid,
        client_certificate_requested=proof.client_certificate_requested,
        client_certificate_sent=proof.client_certificate_sent,
        client_certificate_problem=proof.client_certificate_problem,
    )


def _level(proof: Proof, missing: frozenset[Shortfall]) -> Level:
    if proof.trust is Trust.PIN:
        return Level.PINNED
    if Shortfall.CERTIFICATE in missing:
        return Level.UNAUTHENTICATED
    return Level.REDUCED if missing else Level.CONFIDENTIAL


def phase(policy: Policy, proof: Proof | None) -> Phase:
    """Return the phase of a session that is neither logged in nor closed."""
    if proof is None:
        return Phase.CLEARTEXT
    return Phase.BELOW_MINIMUM if shortfalls(stricter(policy), proof) else Phase.SECURED
