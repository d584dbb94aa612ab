"""Certificate chains of every kind, from a few words about each certificate."""

from __future__ import annotations

import datetime as dt
import functools
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.tls.memory import HOST

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Names = tuple[x509.GeneralName, ...]

SAN: Final = x509.ObjectIdentifier("2.5.29.17")
SRV_NAME: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH

# What signs: sha256WithRSAEncryption and the two of the past, as DER, as long as each other; and
# ecdsa-with-SHA256.
_SHA256_RSA: Final = bytes.fromhex("06092a864886f70d01010b")
_SHA256_EC: Final = bytes.fromhex("06082a8648ce3d040302")
OLD: Final = {
    "sha1": (bytes.fromhex("06092a864886f70d010105"), hashes.SHA1()),
    "md5": (bytes.fromhex("06092a864886f70d010104"), hashes.MD5()),
}
_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cert:
    """What one certificate says. `names` as bytes are the DER of a subjectAltName.

    `days` count from now; `signed` names the hash that its issuer uses, or says "broken". `patch`
    are octets and what stands in their place when the issuer signs: what no builder would write.
    """

    subject: str = "leaf"
    names: Names | bytes | None = None
    is_ca: bool | None = False
    path_length: int | None = None
    usages: str = "digital_signature"
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    days: tuple[float, float] = (-1, 30)
    key: str = "ec"
    signed: str = "sha256"
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    has_key_ids: bool = True
    serial: int | None = None
    patch: tuple[bytes, bytes] | None = None


ROOT: Final = Cert(subject="root", is_ca=True, usages="key_cert_sign crl_sign", days=(-99, 999))
MIDDLE: Final = Cert(subject="middle", is_ca=True, usages="key_cert_sign", days=(-9, 99))
LEAF: Final = Cert(names=(x509.DNSName(HOST),), purposes=(SERVER,))


@dataclass(frozen=True, slots=True)
class Chain:
    """Certificates, as DER, from the server's own up to the root, and the key of the first."""

    encoded: tuple[bytes, ...]
    key: Key

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        return tuple(map(x509.load_der_x509_certificate, self.encoded))

    @property
    def root(self) -> bytes:
        return _pem(self.encoded[-1])

    def context(self, *, sent: int = 9, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """Return the context of a server that sends `sent` issuers at most, never the root."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        own, *issuers = self.encoded
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            shown = [own, *issuers[:-1][:sent]]
            Path(file.name).write_bytes(pem + b"".join(map(_pem, shown)))
            context.load_cert_chain(file.name)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context


def _pem(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode()


def make(*certs: Cert, now: dt.datetime | None = None) -> Chain:
    """Make a chain from the server's own certificate to the root, which signs itself."""
    when = now or dt.datetime.now(dt.UTC)
    keys = [key_at(cert.key, place) for place, cert in enumerate(certs)]
    made: list[bytes] = []
    for place, cert in enumerate(certs):
        above = min(place + 1, len(certs) - 1)
        made.append(
            _signed(_builder(cert, keys[place], certs[above], keys[above], when), cert, keys[above])
        )
    return Chain(tuple(made), keys[0])


@functools.cache
def key_at(kind: str, place: int) -> Key:
    """Return a key; those of one chain differ by their `place`."""
    match kind:
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "secp192r1":
            return ec.generate_private_key(ec.SECP192R1())
        case "secp384r1":
            return ec.generate_private_key(ec.SECP384R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def _builder(
    cert: Cert, key: Key, issuer: Cert, issuer_key: Key, now: dt.datetime
) -> x509.CertificateBuilder:
    start, end = (now + dt.timedelta(days=days) for days in cert.days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(cert.subject))
        .issuer_name(_name(issuer.subject))
        .public_key(key.public_key())
        .serial_number(cert.serial or x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, is_critical in _extensions(cert, key, issuer_key):
        builder = builder.add_extension(extension, is_critical)
    return builder


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def _extensions(cert: Cert, key: Key, issuer_key: Key) -> Sequence[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if cert.is_ca is not None:
        found.append((x509.BasicConstraints(cert.is_ca, cert.path_length), True))
    if cert.usages:
        said = {usage: usage in cert.usages.split() for usage in _USAGES}
        found.append((x509.KeyUsage(**said), True))
    if cert.purposes:
        found.append((x509.ExtendedKeyUsage(cert.purposes), False))
    if isinstance(cert.names, bytes):
        found.append((x509.UnrecognizedExtension(SAN, cert.names), False))
    elif cert.names is not None:
        found.append((x509.SubjectAlternativeName(cert.names), not cert.subject))
    if cert.has_key_ids:
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        found.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
        found.append((issuer_id, False))
    return [*found, *cert.more]


def _signed(builder: x509.CertificateBuilder, cert: Cert, key: Key) -> bytes:
    made = builder.sign(
        key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    )
    tbs, der = made.tbs_certificate_bytes, made.public_bytes(Encoding.DER)
    if cert.signed == "broken":
        return der[:-1] + bytes([der[-1] ^ 1])
    if cert.patch:
        before, after = cert.patch
        if before not in tbs or len(before) != len(after):
            raise ValueError(f"nothing to patch: {before.hex()}")
        return _resigned(tbs.replace(before, after, 1), "sha256", key)
    return _resigned(tbs, cert.signed, key) if cert.signed in OLD else der


def _resigned(tbs: bytes, name: str, key: Key) -> bytes:
    """Sign what cryptography would not sign, or with a hash that it does not use any more."""
    match key:
        case rsa.RSAPrivateKey() if name in OLD:
            algorithm, digest = OLD[name]
            tbs = tbs.replace(_SHA256_RSA, algorithm)
            signature = key.sign(tbs, padding.PKCS1v15(), digest)
            identifier = algorithm + b"\x05\0"
        case ec.EllipticCurvePrivateKey():
            signature, identifier = key.sign(tbs, ec.ECDSA(hashes.SHA256())), _SHA256_EC
        case _:
            raise TypeError("another key is needed")
    return tlv(0x30, tbs + tlv(0x30, identifier) + tlv(0x03, b"\0" + signature))


def tlv(tag: int, content: bytes) -> bytes:
    """Return DER: a tag, the length of `content`, and `content`."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def srv(name: str) -> x509.OtherName:
    """Return an SRVName (RFC 4985)."""
    return x509.OtherName(SRV_NAME, tlv(0x16, name.encode("ascii")))


def constrained(
    cert: Cert, *, permitted: Names | None = None, excluded: Names | None = None
) -> Cert:
    """Return an authority for some names only (RFC 5280 section 4.2.1.10)."""
    return replace(cert, more=(*cert.more, (x509.NameConstraints(permitted, excluded), True)))
