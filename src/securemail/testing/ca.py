"""A throw-away certificate authority, and server certificates of every good and bad kind."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import ssl
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    import trustme

DAY: Final = dt.timedelta(days=1)

_USAGE: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate with its chain and its key: `pem` holds all of them, `der` the leaf."""

    pem: bytes = field(repr=False)

    @property
    def der(self) -> bytes:
        """The leaf certificate itself, as a client sees it."""
        return x509.load_pem_x509_certificate(self.pem).public_bytes(Encoding.DER)

    @property
    def end_point(self) -> bytes:
        """The channel binding `tls-server-end-point`; all certificates here are signed by SHA-256.

        RFC 5929 section 4.1.
        """
        return hashlib.sha256(self.der).digest()

    def context(
        self,
        *,
        minimum_version: ssl.TLSVersion | None = None,
        maximum_version: ssl.TLSVersion | None = None,
        client_roots: bytes | None = None,
    ) -> ssl.SSLContext:
        """Return a server's context with this certificate; TLS 1.2 and later by default.

        With `client_roots` (PEM) a client certificate is asked for but not required; one that these
        roots did not issue fails the handshake.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            # The ssl module reads certificates and keys from files only.
            Path(file.name).write_bytes(self.pem)
            context.load_cert_chain(file.name)
        if client_roots is not None:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata=client_roots.decode("ascii"))
        _set_versions(context, minimum_version, maximum_version)
        return context


class CertificateAuthority:
    """A certificate authority that lives as long as the object. Keys are EC P-256.

    Trust it by giving `pem`, its root certificate, to the client under test.

    Raises:
        ImportError: trustme is missing; the extra `securemail[testing]` brings it.

    """

    def __init__(self) -> None:
        root = _new_root()
        key = load_pem_private_key(root.private_key_pem.bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):  # trustme's default has been RSA before
            raise TypeError(f"expected an EC key, trustme made {type(key).__name__}")
        self.pem: Final = root.cert_pem.bytes()
        self._certificate: Final = x509.load_pem_x509_certificate(self.pem)
        self._key: Final = key

    def server_context(
        self,
        *names: str,
        minimum_version: ssl.TLSVersion | None = None,
        maximum_version: ssl.TLSVersion | None = None,
        request_client_certificate: bool = False,
    ) -> ssl.SSLContext:
        """Return a server's context with a good certificate for `names` (DNS names, IP addresses).

        With `request_client_certificate` one issued by this authority is asked for, not required.
        """
        return self.issue(*names).context(
            minimum_version=minimum_version,
            maximum_version=maximum_version,
            client_roots=self.pem if request_client_certificate else None,
        )

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> ServerCertificate:
        """Issue a certificate for `names`, valid from yesterday for 30 days unless told otherwise.

        Without names it has a `common_name` only, and no subjectAltName at all.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(names, common_name, not_before, not_after)
        certificate = (
            builder.issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .add_extension(_authority_key(self._certificate), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _bundle(certificate, key)

    def expired(self, *names: str) -> ServerCertificate:
        """Issue a certificate that ended yesterday."""
        now = dt.datetime.now(dt.UTC)
        return self.issue(*names, not_before=now - 30 * DAY, not_after=now - DAY)

    def not_yet_valid(self, *names: str) -> ServerCertificate:
        """Issue a certificate that begins tomorrow."""
        now = dt.datetime.now(dt.UTC)
        return self.issue(*names, not_before=now + DAY, not_after=now + 30 * DAY)

    def common_name_only(self, name: str) -> ServerCertificate:
        """Issue a certificate that names its host in the subject only (forbidden by RFC 9525)."""
        return self.issue(common_name=name)

    def client_pem(self, common_name: str) -> bytes:
        """Issue a client certificate; key and certificate in one PEM."""
        return self.issue(common_name=common_name).pem


def self_signed(*names: str) -> ServerCertificate:
    """Make a server certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(names, None, None, None)
    certificate = (
        builder.issuer_name(_subject(names, None))
        .public_key(key.public_key())
        .sign(key, hashes.SHA256())
    )
    return _bundle(certificate, key)


def _new_root() -> trustme.CA:
    try:
        import trustme  # noqa: PLC0415 - an extra that programs need in their tests only
    except ImportError as exc:
        raise ImportError(
            "CertificateAuthority needs trustme: install the extra securemail[testing]"
        ) from exc
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def _subject(names: tuple[str, ...], common_name: str | None) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "securemail.testing")
    if common_name is None:
        # Not the host's name: a client that falls back to the common name must not pass.
        unit = f"server for {len(names)} names"
        return x509.Name([organization, x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)])
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    names: tuple[str, ...],
    common_name: str | None,
    not_before: dt.datetime | None,
    not_after: dt.datetime | None,
) -> x509.CertificateBuilder:
    if not names and common_name is None:
        raise ValueError("a certificate needs a name")
    now = dt.datetime.now(dt.UTC)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(names, common_name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - DAY)
        .not_valid_after(not_after or now + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    )
    if not names:
        return builder
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    return builder.add_extension(alternatives, critical=False)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _bundle(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ServerCertificate:
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ServerCertificate(key_pem + certificate.public_bytes(Encoding.PEM))


def _set_versions(
    context: ssl.SSLContext,
    minimum: ssl.TLSVersion | None,
    maximum: ssl.TLSVersion | None,
) -> None:
    floor = ssl.TLSVersion.TLSv1_2
    if maximum is not None and maximum is not ssl.TLSVersion.MAXIMUM_SUPPORTED:
        floor = min(floor, maximum)
    with warnings.catch_warnings():
        # An old version is asked for on purpose: to see it refused.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = minimum or floor
        context.maximum_version = maximum or ssl.TLSVersion.MAXIMUM_SUPPORTED
    if (minimum or floor) < ssl.TLSVersion.TLSv1_2:
        # OpenSSL 3 allows the SHA-1 signatures of TLS 1.0 and 1.1 at level 0 only.
        context.set_ciphers("ALL:@SECLEVEL=0")
