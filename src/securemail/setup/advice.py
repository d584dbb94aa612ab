"""What a person can do about a failure, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from securemail.errors import (
    AuthenticationError,
    CertificateError,
    ConnectError,
    DeadlineError,
    DiscoveryError,
    DiscoveryReason,
    InjectionError,
    PolicyError,
    ProtocolError,
    SecureMailError,
    TLSError,
    UsageError,
)
from securemail.proof import CertificateReason

_SPELLING: Final = "Check the address; if it is right, ask the provider for its servers' names."
_PROVIDER: Final = "Tell the provider; do not go on until it is mended."
_CLOCK: Final = "Check this computer's clock; if it is right, the provider must mend this."
_FORGED: Final = "Somebody may be in the way: do not go on; try another network."
_REPLACE: Final = "Tell the provider that the certificate must be replaced; do not go on till then."
_STRANGER: Final = (
    "If the server is your own, give the account its certificate authority; if not, somebody may "
    "be in the way: do not go on."
)

_CERTIFICATE: Final[Mapping[CertificateReason, str]] = {
    CertificateReason.EXPIRED: _CLOCK,
    CertificateReason.NOT_YET_VALID: _CLOCK,
    CertificateReason.SELF_SIGNED: _STRANGER,
    CertificateReason.UNKNOWN_ISSUER: _STRANGER,
    CertificateReason.INCOMPLETE_CHAIN: (
        "Tell the provider that the server must send its intermediate certificate; if the server "
        "is your own, the account can be given that and its root."
    ),
    CertificateReason.BAD_SIGNATURE: _FORGED,
    CertificateReason.DANE_MISMATCH: _FORGED,
    CertificateReason.PIN_MISMATCH: _FORGED,
    CertificateReason.REVOKED: _REPLACE,
    CertificateReason.WEAK_KEY: _REPLACE,
    CertificateReason.WEAK_SIGNATURE: _REPLACE,
    CertificateReason.PURPOSE: _REPLACE,
    CertificateReason.KEY_USAGE: _REPLACE,
    CertificateReason.NAME_MISMATCH: "Use the host name that the provider gives.",
}

# The first that fits: what is more precise comes first.
_ADVICE: Final[tuple[tuple[type[SecureMailError], str], ...]] = (
    (AuthenticationError, "Check the user name and the password; some want an app password."),
    (PolicyError, "The server gives less than the account asks for: ask the provider for TLS."),
    (InjectionError, "Somebody on the way meddles: use another network."),
    (ProtocolError, "Check the port: another kind of server seems to answer there."),
    (TLSError, "Check whether the port is one for implicit TLS or for STARTTLS."),
    (ConnectError, "Check the host name, the port and the network; a firewall may be in the way."),
    (DeadlineError, "Check the port and the network, and try again later."),
    (DiscoveryError, "The DNS does not answer as it should: try again, or on another network."),
    (UsageError, "Something in the account is missing or has run out: see the error."),
)


def advice_on(error: SecureMailError) -> str:
    """Return what a person can do about `error`."""
    if isinstance(error, CertificateError):
        return _CERTIFICATE.get(error.reason, _PROVIDER)
    if isinstance(error, DiscoveryError) and error.reason is DiscoveryReason.NOT_FOUND:
        return _SPELLING
    return next((advice for kind, advice in _ADVICE if isinstance(error, kind)), _PROVIDER)
