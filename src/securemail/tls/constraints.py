"""Whether issuers may speak for a name (RFC 5280 section 4.2.1.10). No I/O here.

OpenSSL compares their constraints with the names in the certificate. Those are not all that it is
taken for: "*.example.org" is not within the excluded "mail.example.org", and yet names that very
host; and constraints on DNS names say nothing of SRVNames (RFC 4985), which name the same domains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cryptography import x509

from securemail.proof import Identity, IdentityKind

# id-ce-nameConstraints. Where it does not occur, an issuer's extensions are not parsed: there are
# well-known roots with some that cannot be.
_NAME_CONSTRAINTS: Final = bytes.fromhex("0603551d1e")


def may_certify(issuers: Iterable[x509.Certificate], identity: Identity) -> bool:
    """Return whether each of `issuers` may speak for what a certificate was accepted as.

    Raises: ValueError when the constraints cannot be parsed.
    """
    match identity.kind:
        case IdentityKind.DNS_ID:
            name = identity.name
        case IdentityKind.SRV_ID:
            name = identity.name.partition(".")[2]
        case _:
            return True  # addresses have no wildcards: OpenSSL has seen to them
    return all(_may_certify(issuer, name) for issuer in issuers)


def _may_certify(issuer: x509.Certificate, name: str) -> bool:
    if _NAME_CONSTRAINTS not in issuer.tbs_certificate_bytes:
        return True
    try:
        limits = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    permitted = list(_domains(limits.permitted_subtrees))
    if permitted and not any(_is_within(name, domain) for domain in permitted):
        return False
    return not any(_is_within(name, domain) for domain in _domains(limits.excluded_subtrees))


def _domains(subtrees: Iterable[x509.GeneralName] | None) -> Iterable[str]:
    return (each.value for each in subtrees or () if isinstance(each, x509.DNSName))


def _is_within(name: str, domain: str) -> bool:
    """Return whether `name`, in lower case, is `domain` or below it; all are below the empty one.

    A dot in front has no meaning in RFC 5280; OpenSSL takes it, and so does everybody.
    """
    base = domain.lower().removeprefix(".")
    return not base or name == base or name.endswith("." + base)
