"""Chains by name, good and bad, and what is wrong with each."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from securemail import CertificateReason
from tests.tls.chains import LEAF, MIDDLE, ROOT, SERVER, Cert, Chain, constrained, make
from tests.tls.memory import HOST

Names = tuple[x509.GeneralName, ...]


def dns(*names: str) -> Names:
    return tuple(map(x509.DNSName, names))


def unknown(oid: str, value: bytes = b"\x05\0") -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)


CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
EMAIL: Final = ExtendedKeyUsageOID.EMAIL_PROTECTION
ANY: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
STRANGE: Final = unknown("1.2.3.4.5")
ISSUER_AT: Final = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://ca.example/middle.der"),
        )
    ]
)
RSA_ROOT: Final = replace(ROOT, key="rsa2048")
RSA_MIDDLE: Final = replace(MIDDLE, key="rsa2048")
PUBLIC_LEAF: Final = replace(LEAF, more=((ISSUER_AT, False),))


@dataclass(frozen=True, slots=True)
class Named:
    """A chain by its certificates, the server's own first; the last is trusted unless `trusts`.

    `sent` issuers at most are sent. What is wrong is `reason`, with the certificate that is `depth`
    above the server's own (None: with one that cannot be shown), and the message has `says`.
    The standard library's server will not serve what is not `is_servable`.
    """

    certs: tuple[Cert, ...]
    reason: CertificateReason | None = None
    says: str = ""
    depth: int | None = 0
    sent: int = 200
    is_servable: bool = True
    trusts: tuple[Cert, ...] = ()

    @property
    def trusted(self) -> bytes:
        return chain_of(self.trusts).root if self.trusts else chain_of(self.certs).root


@functools.cache
def chain_of(certs: tuple[Cert, ...]) -> Chain:
    return make(*certs)


def good(*certs: Cert) -> Named:
    return Named(certs)


def leaf(**fields: object) -> tuple[Cert, ...]:
    return (replace(LEAF, **fields), MIDDLE, ROOT)  # type: ignore[arg-type]  # what its fields are of


def middle(**fields: object) -> tuple[Cert, ...]:
    return (LEAF, replace(MIDDLE, **fields), ROOT)  # type: ignore[arg-type]  # what its fields are of


def root(**fields: object) -> tuple[Cert, ...]:
    return (LEAF, MIDDLE, replace(ROOT, **fields))  # type: ignore[arg-type]  # what its fields are of


def middles(count: int, **fields: object) -> tuple[Cert, ...]:
    some = (replace(MIDDLE, subject=f"middle {place}") for place in range(count))
    return (LEAF, *some, replace(ROOT, **fields))  # type: ignore[arg-type]  # what its fields are of


def limited(**names: Names) -> tuple[Cert, ...]:
    return (LEAF, constrained(MIDDLE, **names), ROOT)


GOOD: Final[dict[str, Named]] = {
    "a leaf, an intermediate and a root": good(LEAF, MIDDLE, ROOT),
    "a leaf that the root itself has issued": good(LEAF, ROOT),
    "nine intermediates": good(*middles(9)),
    "as many issuers as the root allows": good(*middles(2, path_length=2)),
    "a leaf that is trusted itself": good(LEAF),
    "an RSA key of 2,048 bits": good(*leaf(key="rsa2048")),
    "RSA throughout": good(replace(LEAF, key="rsa3072"), RSA_MIDDLE, RSA_ROOT),
    "an Ed25519 key": good(*leaf(key="ed25519")),
    "a key on the curve P-384": good(*leaf(key="secp384r1")),
    "for any purpose, which nothing says": good(*leaf(purposes=())),
    "for servers and clients": good(*leaf(purposes=(CLIENT, SERVER))),
    "an intermediate for servers only": good(*middle(purposes=(SERVER,))),
    "a key for any use, which nothing says": good(*leaf(usages="")),
    "a wildcard for the host's label": good(*leaf(names=dns("*.example.org"))),
    "a name in capitals": good(*leaf(names=dns(HOST.upper()))),
    "a name among others": good(*leaf(names=dns("a.example", HOST, "b.example"))),
    "names, and no subject": good(*leaf(subject="")),
    "another subject than the name": good(*leaf(subject="mail.example.com")),
    "no key identifiers": good(*leaf(has_key_ids=False)),
    "no basic constraints in the leaf": good(*leaf(is_ca=None)),
    "an unknown extension that is not critical": good(*leaf(more=((STRANGE, False),))),
    "a name that the intermediate may certify": good(*limited(permitted=dns("example.org"))),
    "a name that the intermediate is not kept from": good(*limited(excluded=dns("example.com"))),
    "a wildcard beside a name that the intermediate is kept from": good(
        replace(LEAF, names=dns("*.example.org")), *limited(excluded=dns("ftp.example.org"))[1:]
    ),
    "no key usage in the root": good(*root(usages="")),
    "a root signed with SHA-1, which nobody checks": good(
        LEAF, MIDDLE, replace(RSA_ROOT, signed="sha1")
    ),
    # RFC 5280 section 4.1.2.2: to be handled gracefully. Some well-known roots are like that.
    "a serial number of zero": good(*leaf(serial=0x5A, patch=(b"\x02\x01\x5a", b"\x02\x01\0"))),
    "a negative serial number": good(*leaf(serial=0x5A, patch=(b"\x02\x01\x5a", b"\x02\x01\xa5"))),
    "dates of a hundred years": good(*leaf(days=(-18_000, 18_000))),
}
