"""What a handshake proved, as values that every layer may hold. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cryptography import x509

from securemail.records import TLSARecord
from securemail.revocation import RevocationStatus


class TLSVersion(Enum):
    """The versions that may carry mail (RFC 8997: nothing below TLS 1.2)."""

    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"

    def __lt__(self, other: TLSVersion) -> bool:
        return self.value < other.value


class Trust(Enum):
    """What the server's authenticity rests on."""

    NONE = "none"
    PKIX = "PKIX"
    DANE_TA = "DANE-TA"
    DANE_EE = "DANE-EE"
    PIN = "pin"


class IdentityKind(Enum):
    """Which kind of name in the certificate matched (RFC 9525 section 6.1)."""

    DNS_ID = "DNS-ID"
    SRV_ID = "SRV-ID"
    IP_ID = "IP-ID"
    TLSA = "TLSA"
    """No name in the certificate, but the one where the DNS has it or its key (RFC 7671 5.1)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The reference identity that the certificate was accepted for."""

    kind: IdentityKind
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind.value})"


class CertificateReason(Enum):
    """Why a certificate was not accepted."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    SELF_SIGNED = "self-signed"
    UNKNOWN_ISSUER = "unknown issuer"
    INCOMPLETE_CHAIN = "intermediate certificate missing"
    NO_AUTHORITY = "issued by what is no authority"
    BAD_SIGNATURE = "not signed by its issuer"
    PATH_LENGTH = "more issuers than are allowed"
    NAME_CONSTRAINTS = "for a name that its issuer may not certify"
    NAME_MISMATCH = "name mismatch"
    UNKNOWN_EXTENSION = "unknown critical extension"
    MALFORMED = "malformed"
    WEAK_KEY = "weak key"
    WEAK_SIGNATURE = "weak signature"
    PURPOSE = "not issued for a server"
    KEY_USAGE = "key not meant for this"
    REVOKED = "revoked"
    STAPLE_MISSING = "no proof that it is not revoked"
    STAPLE_INVALID = "a stapled status that is not good"
    DANE_MISMATCH = "not the one that the DNS names"
    PIN_MISMATCH = "not the pinned one"
    INVALID = "invalid"


class Shortfall(Enum):
    """One way in which a connection is less than the account asks for, in words for a person."""

    NO_TLS = "the connection is not encrypted"
    TLS_VERSION = "the TLS version is below the account's minimum"
    CERTIFICATE = "the server's certificate was not validated"
    PINNED = "trust rests on a pinned certificate"
    NO_DANE = "the server was not authenticated by DANE"
    REVOCATION = "the server did not prove that its certificate is not revoked"
    NO_POST_QUANTUM = "the key exchange does not resist a quantum computer"
    CLIENT_CERTIFICATE_VISIBLE = "TLS 1.2 would show the client certificate to anyone on the path"


@dataclass(frozen=True, slots=True)
class ChannelBinding:
    """What names one TLS connection to both its ends, and differs on each side of a middleman.

    `name` is `tls-exporter` (RFC 9266) or `tls-server-end-point` (RFC 5929).
    """

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """The facts of one handshake, as the TLS engine saw them. Nothing here is an opinion.

    `chain` is the verified chain, the server's own certificate first; `failure` is why it was not
    accepted, where an account without a minimum went on regardless, and `problems` all that is
    wrong with it. `tlsa` is the record by which DANE vouches for the server, or narrows down what
    an authority says. The client certificate was `withheld` if the server asked for it and the
    account does not let it be seen in that version or behind that group. The handshake was
    `without_hybrid` if it followed one that the server left without a word: some middleboxes drop
    a ClientHello with a post-quantum group, so that this one offered none.
    `revocation` is what the server has stapled, in the full handshake for a resumed one.
    """

    tls_version: TLSVersion
    cipher: str
    group: str | None
    trust: Trust
    identity: Identity | None
    chain: tuple[x509.Certificate, ...]
    failure: CertificateReason | None
    resumed: bool
    client_certificate_requested: bool
    client_certificate_sent: bool
    client_certificate_withheld: bool = False
    client_certificate_problem: str | None = None
    tlsa: TLSARecord | None = None
    problems: tuple[CertificateReason, ...] = ()
    revocation: RevocationStatus = RevocationStatus()
    without_hybrid: bool = False
