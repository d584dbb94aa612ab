"""A client certificate that one account may show (RFC 8314 section 5.5).

No I/O here, but reading the file it comes from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from securemail import keyfile, limits
from securemail.errors import UsageError
from securemail.keyfile import FIELD, KEY_FIELD, PrivateKey, Source
from securemail.secret import Secret

_CLIENT_USAGES: Final = frozenset(
    {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)
_WARNING: Final = dt.timedelta(days=limits.CERTIFICATE_WARNING_DAYS)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate, its key, and the intermediates that go with it.

    It is shown only by the account that holds it, only when the server asks for one, only to a
    server whose own certificate was accepted, and only where `chain` leads to an issuer that the
    server takes, if it names any. Make one with `from_pem` or `from_pkcs12`, or from the objects of
    `cryptography`. `chain` may come in any order: it is kept in the order in which it is sent, and
    what does not lead from the certificate towards its authority is left out, as is the authority's
    own (RFC 8446 section 4.4.2).

    Raises: UsageError for a key that does not fit or is none for TLS, and for a certificate whose
    extensions do not let it authenticate a client. Dates are not looked at here: a session refuses
    to connect with a certificate that has expired (`check`), and `warning` says when it will.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False, compare=False, hash=False)
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.key, keyfile.KINDS):
            raise UsageError(f"{type(self.key).__name__} cannot be used", field=KEY_FIELD)
        if isinstance(self.key, rsa.RSAPrivateKey) and self.key.key_size < limits.RSA_BITS:
            raise UsageError(
                f"an RSA key of {self.key.key_size} bits is too weak for TLS", field=KEY_FIELD
            )
        if _public(self.certificate) != _public(self.key):
            raise UsageError("the key does not belong to the certificate", field=KEY_FIELD)
        if reason := _why_not_for_clients(self.certificate):
            raise UsageError(f"{self.subject} {reason}", field=FIELD)
        object.__setattr__(self, "chain", _path(self.certificate, self.chain))

    @classmethod
    def from_pem(
        cls, source: Source, key: Source | None = None, password: str | Secret | None = None
    ) -> ClientCertificate:
        """Read the certificate, its chain and its key from PEM: a path, or the bytes themselves.

        Without `key`, the key is in `source` too. `password` opens an encrypted key. The
        certificates may stand in any order: the one that the key fits is the account's.

        Raises: UsageError for unreadable files, missing or broken parts, a wrong password, or a key
        that does not fit; otherwise as the class.
        """
        # From here on no frame holds what must not show.
        password = None if password is None else Secret(password)
        own, other = keyfile.hide(source), None if key is None else keyfile.hide(key)
        source, key = b"", None
        certificates = keyfile.read(own)
        private = certificates if other is None else keyfile.read(other)
        return cls._of(keyfile.load_pem(certificates, private, password))

    @classmethod
    def from_pkcs12(cls, source: Source, password: str | Secret | None = None) -> ClientCertificate:
        """Read all parts from a PKCS#12 file (.p12, .pfx): a path, or the bytes themselves.

        The certificate that the key fits is the account's, and of several that it fits (one was
        renewed, say) the one that ends last.

        Raises: UsageError as `from_pem`.
        """
        password = None if password is None else Secret(password)
        hidden, source = keyfile.hide(source), b""
        return cls._of(keyfile.load_pkcs12(keyfile.read(hidden), password))

    @classmethod
    def _of(cls, contents: keyfile.Contents) -> ClientCertificate:
        key, found = contents
        fitting = [each for each in found if _public(each) == _public(key)]
        own = max(fitting, key=lambda each: each.not_valid_after_utc, default=found[0])
        return cls(own, key, found)

    @property
    def subject(self) -> str:
        """The name it shows to the server (RFC 4514)."""
        return self.certificate.subject.rfc4514_string()

    def check(self, now: dt.datetime) -> None:
        """Return if the certificate is valid at `now`, a time with a time zone.

        Raises: UsageError that says when it was, or will be.
        """
        start, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if now < start:
            raise UsageError(
                f"the certificate {self.subject} is valid from {start:%Y-%m-%d %H:%M} UTC only",
                field=FIELD,
            )
        if now > end:
            raise UsageError(
                f"the certificate {self.subject} expired on {end:%Y-%m-%d %H:%M} UTC", field=FIELD
            )

    def warning(self, now: dt.datetime, *, within: dt.timedelta = _WARNING) -> str | None:
        """Return a sentence for a person if it, or one of its chain, ends soon; None if not.

        `within` is how soon that is, by default 30 days; `now` is a time with a time zone.
        """
        soonest = min((self.certificate, *self.chain), key=lambda each: each.not_valid_after_utc)
        end = soonest.not_valid_after_utc
        if end - now > within:
            return None
        which = "the client certificate"
        if soonest is not self.certificate:
            which = f"{soonest.subject.rfc4514_string()}, an issuer of {which}"
        verb = "has expired" if end < now else "expires"
        return f"{which} {self.subject} {verb} on {end:%Y-%m-%d %H:%M} UTC: get a new one"


def _public(holder: x509.Certificate | PrivateKey) -> bytes | None:
    """Return the public key in `holder`; None for one of a kind that is not known here."""
    try:
        key = holder.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _why_not_for_clients(certificate: x509.Certificate) -> str | None:
    """Return what in its extensions keeps it from authenticating a client (RFC 5280 4.2.1)."""
    try:
        found = {type(each.value): each.value for each in certificate.extensions}
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "has extensions that cannot be read"
    usage = found.get(x509.KeyUsage)
    if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
        return "is not for signing (keyUsage), which a client has to do"
    purposes = found.get(x509.ExtendedKeyUsage)
    if isinstance(purposes, x509.ExtendedKeyUsage) and _CLIENT_USAGES.isdisjoint(purposes):
        return "is not for clients (extendedKeyUsage has no clientAuth)"
    return None


def _path(
    certificate: x509.Certificate, pool: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Return the intermediates among `pool`, each the issuer of the one before it."""
    path, rest = [certificate], [each for each in pool if not _has_issued(each, each)]
    while issuer := next((each for each in rest if _has_issued(each, path[-1])), None):
        path.append(issuer)
        rest.remove(issuer)
    return tuple(path[1:])


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Return whether `issuer` has; both names and signature must say so."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
