"""Certificates for the test servers, good and bad, made fresh for each world. No I/O here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW: Final = dt.datetime.now(dt.UTC)
DAY: Final = dt.timedelta(days=1)

SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone: all that may be shown."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, without a passphrase."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def pem(self) -> bytes:
        """The certificate followed by its key."""
        return self.certificate_pem + self.key_pem


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate of a server or a user is to say."""

    common_name: str
    dns_names: tuple[str, ...] = ()
    purpose: x509.ObjectIdentifier = SERVER
    not_after: dt.datetime = NOW + 30 * DAY


def authority(common_name: str) -> KeyPair:
    """Return a new root that may sign certificates and revocation lists."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, key)
        .issuer_name(name)
        .not_valid_after(NOW + 60 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return KeyPair(builder.sign(key, hashes.SHA256()), key)


def issue(leaf: Leaf, *, issuer: KeyPair | None) -> KeyPair:
    """Return a new certificate for `leaf`, signed by `issuer`, or by itself when that is None."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(leaf.common_name)
    signed_by = issuer.key if issuer else key
    builder = (
        _builder(subject, key)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .not_valid_after(leaf.not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([leaf.purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()),
            critical=False,
        )
    )
    if leaf.dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in leaf.dns_names])
        builder = builder.add_extension(names, critical=False)
    return KeyPair(builder.sign(signed_by, hashes.SHA256()), key)


def revocation_list(issuer: KeyPair, revoked: Iterable[x509.Certificate]) -> bytes:
    """Return the list of `revoked` certificates of `issuer`, as PEM."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - DAY)
        .next_update(NOW + 30 * DAY)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, NOW - DAY)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Long enough ago that a certificate may have expired yesterday.
        .not_valid_before(NOW - 30 * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
