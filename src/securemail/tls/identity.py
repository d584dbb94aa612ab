"""Whose certificate it is (RFC 9525, RFC 7817): its names against those we want. No I/O here.

Only subject alternative names count: never the common name (RFC 9525 section 2), never a URI
(RFC 7817 section 3).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, assert_never

from cryptography import x509
from cryptography.hazmat import asn1

from securemail import limits
from securemail.proof import Identity, IdentityKind
from securemail.wire.text import printable

_SHOWN_NAMES: Final = 5
_SRV_NAME: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")  # id-on-dnsSRV, RFC 4985


def reference_identities(
    hosts: Sequence[str], *, is_address: bool, srv_id: str = ""
) -> tuple[Identity, ...]:
    """Return what the certificate may be for, the name that says most first.

    `hosts` are names of the server on somebody's word: the account's, or DNSSEC's. With `srv_id`, a
    service of the mail domain ("_imaps.example.org"), an authority's word on that domain is as
    good: the server may serve it, or is it (RFC 7817 section 3, RFC 6125 section 6.2).
    """
    kind = IdentityKind.IP_ID if is_address else IdentityKind.DNS_ID
    own = tuple(Identity(kind, host) for host in hosts)
    if not srv_id:
        return own
    domain = Identity(IdentityKind.DNS_ID, srv_id.partition(".")[2])
    return (Identity(IdentityKind.SRV_ID, srv_id), *own, domain)


def match_identity(
    certificate: x509.Certificate, references: Sequence[Identity]
) -> Identity | None:
    """Return the first of `references` that `certificate` is for, or None when it is for none.

    A name that is none (a wildcard in the wrong place, a NUL, a U-label) is no match, and does not
    spoil the others.

    Raises: ValueError when the names cannot be parsed, or are more than `limits.CERTIFICATE_NAMES`.
    """
    names = _alternative_names(certificate)
    if len(names) > limits.CERTIFICATE_NAMES:
        raise ValueError(f"the certificate has {len(names)} names")
    return next((each for each in references if any(_is_for(name, each) for name in names)), None)


def _is_for(name: x509.GeneralName, wanted: Identity) -> bool:
    match wanted.kind:
        case IdentityKind.DNS_ID:
            return isinstance(name, x509.DNSName) and _matches(name.value, wanted.name)
        case IdentityKind.SRV_ID:
            return isinstance(name, x509.OtherName) and _srv_name(name) == wanted.name
        case IdentityKind.IP_ID:
            return isinstance(name, x509.IPAddress) and _is_address(name, wanted.name)
        case IdentityKind.TLSA:
            return False  # no name of a certificate
        case _:
            assert_never(wanted.kind)


def _matches(presented: str, host: str) -> bool:
    """Compare two names, A-labels both (RFC 9525 section 6.3).

    A "*" stands for one whole label on the left, with two more at least behind it: who controls a
    top-level domain alone may not speak for all in it.
    """
    name = _lower(presented)
    first, _, rest = name.partition(".")
    if first == "*" and "." in rest:
        return host.partition(".")[2] == rest
    return name == host


def _srv_name(name: x509.OtherName) -> str | None:
    """Return the SRVName in `name`. No wildcards here: RFC 7817 has them in DNS-IDs only."""
    if name.type_id != _SRV_NAME:
        return None
    try:
        return _lower(asn1.decode_der(asn1.IA5String, name.value).as_str())
    except ValueError:
        return None


def _is_address(name: x509.IPAddress, host: str) -> bool:
    """Compare the octets (RFC 9525 section 6.5): ::ffff:192.0.2.1 is not 192.0.2.1."""
    address = name.value
    if not isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return False  # a network, which has a place in name constraints only
    return address.packed == ipaddress.ip_address(host).packed


def _lower(name: str) -> str:
    # str.lower() makes an ASCII k of the Kelvin sign.
    return name.lower() if name.isascii() else name


def names_of(certificate: x509.Certificate) -> str:
    """Return the names in `certificate` for a message, a few of them."""
    try:
        names = _alternative_names(certificate)
    except Exception:  # noqa: BLE001 - hostile names raise anything
        return "names that cannot be read"
    if not names:
        return "no name at all (a common name does not count)"
    shown = ", ".join(map(_shown, names[:_SHOWN_NAMES]))
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES} more"


def _shown(name: x509.GeneralName) -> str:
    if isinstance(name, x509.OtherName):
        return printable(_srv_name(name) or "a name of another kind")
    return printable(str(name.value)) or "an empty name"


def _alternative_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value)
