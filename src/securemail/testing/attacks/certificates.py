"""What the servers of the attacks show in the handshake: good, and bad in one way each.

All of them ask for a client certificate.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from typing import Final

from securemail.testing.ca import CertificateAuthority, ServerCertificate, self_signed

HOST: Final = "mail.example.org"

Server = Callable[[CertificateAuthority], ssl.SSLContext]


def good(ca: CertificateAuthority) -> ssl.SSLContext:
    """Return the context of a server whose certificate is in order."""
    return _asking(ca.issue(HOST), ca)


def _asking(certificate: ServerCertificate, ca: CertificateAuthority) -> ssl.SSLContext:
    return certificate.context(client_roots=ca.pem)


def _bad(make: Callable[[CertificateAuthority], ServerCertificate]) -> Server:
    return lambda ca: _asking(make(ca), ca)


BAD: Final[dict[str, Server]] = {
    "another host's name": _bad(lambda ca: ca.issue("mail.example.com")),
    "the domain above the host": _bad(lambda ca: ca.issue("example.org")),
    "a name below the host": _bad(lambda ca: ca.issue(f"a.{HOST}")),
    "a name that begins like the host": _bad(lambda ca: ca.issue(f"{HOST}.example.com")),
    "a name that ends like the host": _bad(lambda ca: ca.issue(f"x{HOST}")),
    "a wildcard for a top-level domain": _bad(lambda ca: ca.issue("*.org")),
    "a wildcard one label too low": _bad(lambda ca: ca.issue(f"*.{HOST}")),
    "a wildcard that is part of a label": _bad(lambda ca: ca.issue("m*.example.org")),
    "a wildcard for everything": _bad(lambda ca: ca.issue("*")),
    "the address it is reached at": _bad(lambda ca: ca.issue("127.0.0.1")),
    "a common name and nothing else": _bad(lambda ca: ca.common_name_only(HOST)),
    "a common name beside another host's name": _bad(
        lambda ca: ca.issue("mail.example.com", common_name=HOST)
    ),
    "an end that is past": _bad(lambda ca: ca.expired(HOST)),
    "a beginning that is to come": _bad(lambda ca: ca.not_yet_valid(HOST)),
    "no issuer but itself": _bad(lambda _: self_signed(HOST)),
    "an issuer that nobody knows": _bad(lambda _: CertificateAuthority().issue(HOST)),
}


def of_version(version: ssl.TLSVersion) -> Server:
    """Return what makes the context of a server that speaks `version` and no other."""

    def make(ca: CertificateAuthority) -> ssl.SSLContext:
        context = ca.issue(HOST).context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # An old version is asked for on purpose: to see it refused.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        return context

    return make


def asking_late(ca: CertificateAuthority) -> ssl.SSLContext:
    """Return the context of a server that would ask for the certificate after the handshake."""
    context = good(ca)
    context.post_handshake_auth = True
    return context
