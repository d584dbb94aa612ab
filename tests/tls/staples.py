"""OCSP responses of every kind, from a few words about each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.tls.chains import LEAF, ROOT, Cert, Chain, Key, key_at, make

NOW: Final = dt.datetime.now(dt.UTC).replace(microsecond=0)
HOUR: Final = dt.timedelta(hours=1)
GOOD, REVOKED, UNKNOWN = (
    ocsp.OCSPCertStatus.GOOD,
    ocsp.OCSPCertStatus.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN,
)
REVOKED_AT: Final = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)

# Somebody who signs for the authority; with a key that is not the server's own.
DELEGATE: Final = Cert(
    subject="responder", purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,), key="rsa2048"
)
MUST_STAPLE: Final = replace(
    LEAF, more=((x509.TLSFeature([x509.TLSFeatureType.status_request]), False),)
)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs a response, and the certificates shown with it."""

    certificate: x509.Certificate
    key: Key
    shown: Sequence[x509.Certificate] = ()


def authority(chain: Chain, root: Cert = ROOT) -> Signer:
    """Return the authority right above the server's own certificate."""
    return Signer(chain.certificates[1], key_at(root.key, 1))


def delegate(cert: Cert = DELEGATE, root: Cert = ROOT) -> Signer:
    """Return somebody with a certificate from `root`, which all chains have in common."""
    chain = make(cert, root)
    return Signer(chain.certificates[0], chain.key, chain.certificates[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Staple:
    """What one response says. `since` and `until` count from NOW.

    `wrong` is what of the certificate's identifier is another's: "name", "key" or "serial".
    """

    status: ocsp.OCSPCertStatus = GOOD
    since: dt.timedelta = -HOUR
    until: dt.timedelta | None = HOUR
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise
    meant: hashes.HashAlgorithm = field(default_factory=hashes.SHA1)
    digest: hashes.HashAlgorithm | None = field(default_factory=hashes.SHA256)
    encoding: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.HASH
    wrong: str = ""
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()

    def about(self, chain: Chain, signer: Signer | None = None) -> bytes:
        """Return a response about the server's own certificate."""
        own, issuer, *_ = chain.certificates
        signed_by = signer or authority(chain)
        is_revoked = self.status is REVOKED
        question = ocsp.OCSPRequestBuilder().add_certificate(own, issuer, self.meant).build()
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                issuer_name_hash=self._said(question.issuer_name_hash, "name"),
                issuer_key_hash=self._said(question.issuer_key_hash, "key"),
                serial_number=question.serial_number ^ (self.wrong == "serial"),
                algorithm=self.meant,
                cert_status=self.status,
                this_update=NOW + self.since,
                next_update=None if self.until is None else NOW + self.until,
                revocation_time=REVOKED_AT if is_revoked else None,
                revocation_reason=self.reason if is_revoked else None,
            )
            .responder_id(self.encoding, signed_by.certificate)
        )
        if signed_by.shown:
            builder = builder.certificates(signed_by.shown)
        for extension, is_critical in self.more:
            builder = builder.add_extension(extension, is_critical)
        return builder.sign(signed_by.key, self.digest).public_bytes(Encoding.DER)

    def _said(self, digest: bytes, part: str) -> bytes:
        return bytes(len(digest)) if self.wrong == part else digest


def error(status: ocsp.OCSPResponseStatus) -> bytes:
    """Return a response that says why there is none."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
