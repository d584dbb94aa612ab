"""Whether a server takes the certificates of an issuer (RFC 8446 4.2.4, RFC 5246 7.4.4).

No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from securemail.certificate import ClientCertificate

_Canonical = tuple[frozenset[tuple[x509.ObjectIdentifier, str | bytes]], ...]


def is_welcome(mine: ClientCertificate, taken: Iterable[x509.Name]) -> bool:
    """Return whether the chain of `mine` leads to one of the issuers in `taken`.

    Servers that name none take any. What is not in the chain is not known: a certificate without
    its intermediates leads to the issuer of its own and no further.
    """
    names = {_canonical(name) for name in taken}
    issuers = (_canonical(each.issuer) for each in (mine.certificate, *mine.chain))
    return not names or any(issuer in names for issuer in issuers)


def _canonical(name: x509.Name) -> _Canonical:
    """Return what is equal for names that only differ in case, spaces or the type of a string.

    RFC 5280 section 7.1; OpenSSL and most servers compare like this.
    """
    return tuple(
        frozenset((attribute.oid, _folded(attribute.value)) for attribute in rdn)
        for rdn in name.rdns
    )


def _folded(value: str | bytes) -> str | bytes:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value
