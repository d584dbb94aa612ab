"""Pinning: a certificate that does not validate, shown to a person in account setup.

RFC 8314 section 5.4. An account that can log in is an existing one, and gets no offer.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.errors import CertificateError, PolicyError, UsageError
from securemail.pin import Pin
from securemail.policy.confidentiality import Confidentiality
from securemail.proof import CertificateReason, Shortfall, Trust
from securemail.session import SecureSession
from securemail.tls.facts import CertificateFacts

# RFC 8314 section 5.4: "due to an expired certificate, a lack of an appropriate chain of trust, or
# a lack of an identifier match". What is revoked, forged or weak is nobody's to accept.
PINNABLE: Final = frozenset(
    {
        CertificateReason.EXPIRED,
        CertificateReason.SELF_SIGNED,
        CertificateReason.UNKNOWN_ISSUER,
        CertificateReason.INCOMPLETE_CHAIN,
        CertificateReason.NAME_MISMATCH,
    }
)


@dataclass(frozen=True, slots=True, init=False)
class PinOffer:
    """What a person must see before they accept a certificate that nobody vouches for.

    `problems` is all that is wrong with it, `certificate` the certificate, `facts` the same in
    words, `seen_at` when the server at `endpoint` has shown it. Show all of it, and say that
    whoever sits between can make such a certificate, too; then `accept()`. It comes from
    `pin_offer()` only.
    """

    address: str
    service: Service
    endpoint: Endpoint
    certificate: x509.Certificate = field(repr=False)
    problems: tuple[CertificateReason, ...]
    seen_at: datetime

    def __init__(self) -> None:
        raise UsageError("offers are made by pin_offer() in account setup", field="PinOffer")

    @property
    def facts(self) -> CertificateFacts:
        """The certificate in words."""
        return CertificateFacts.of(self.certificate)

    def __str__(self) -> str:
        problems = ", ".join(problem.value for problem in self.problems)
        return f"The certificate of {self.endpoint} is not accepted ({problems}).\n{self.facts}"

    def accept(self, *, acknowledge: str) -> Pin:
        """Return the pin: the certificate, for this account, host, port and service alone.

        `acknowledge` is the sentence by which the person took the risk; it is kept with the pin.
        Put the pin into `Account(pins=...)` of an account without a minimum.

        Raises: UsageError when `acknowledge` is empty.
        """
        if not isinstance(acknowledge, str) or not acknowledge.strip():
            raise UsageError(
                "say in words that anyone could have made this certificate",
                field="PinOffer.acknowledge",
            )
        der = self.certificate.public_bytes(Encoding.DER)
        return Pin.from_dict(
            {
                "address": self.address,
                "service": self.service.value,
                "host": self.endpoint.host,
                "port": self.endpoint.port,
                "certificate": base64.b64encode(der).decode("ascii"),
                "made_at": self.seen_at.isoformat(),
                "acknowledged": acknowledge.strip(),
            }
        )


async def pin_offer(
    account: Account,
    service: Service,
    *,
    timeouts: Timeouts | None = None,
    resolver: Resolver | None = None,
) -> PinOffer | None:
    """Connect to a server of an account in setup, and return what a person would have to accept.

    None means that the certificate is valid: no pin is needed, and none can be made. Nothing is
    sent but capability discovery, STARTTLS and the handshake.

    An account in setup is in no `AccountStore`, and has nothing to log in with yet: no credentials,
    no client certificate and no pin for that server. It has no minimum either, since a pin never
    meets one. Ask for the password afterwards; whoever made the certificate will get it (RFC 8314
    section 5.4).

    Raises: UsageError for any other account; CertificateError for a certificate that no person can
    accept: revoked, malformed, weak, not the one that the DNS names; PolicyError when the server
    has no TLS; ConnectError, DeadlineError, TLSError, ProtocolError.
    """
    _check_in_setup(account, service)
    session = await SecureSession.open(account, service, timeouts=timeouts, resolver=resolver)
    try:
        if session.endpoint.tls is TLSMode.STARTTLS:
            await session.starttls()
        seen = session.confidentiality
    finally:
        session.abort()
        await session.aclose()
    if seen.tls_version is None:
        raise PolicyError(
            f"{session.endpoint} has no certificate to pin", shortfalls={Shortfall.NO_TLS}
        )
    if seen.trust is not Trust.NONE:
        return None
    return _offered(account, service, session.endpoint, seen)


def _check_in_setup(account: Account, service: Service) -> None:
    if account.is_existing:
        raise UsageError("it is stored: its setup is over", field="Account.is_existing")
    if account.policy.has_minimum:
        raise UsageError("a pin does not meet a minimum", field="Account.policy")
    if account.credentials is not None or account.client_certificate is not None:
        raise UsageError(
            "an account that can log in is an existing one: pins are made before",
            field="Account.credentials",
        )
    if account.pin(service) is not None:
        raise UsageError("there is a pin for that server; undo it first", field="Account.pins")
    endpoint = account.endpoint(service)
    if endpoint is not None and endpoint.tls is TLSMode.NONE:
        raise UsageError(f"{endpoint} is configured without TLS", field="Endpoint.tls")


def _offered(
    account: Account, service: Service, endpoint: Endpoint, seen: Confidentiality
) -> PinOffer:
    leaf = next(iter(seen.chain), None)
    problems = tuple(dict.fromkeys((*seen.problems, *filter(None, (seen.failure,)))))
    serious = [problem for problem in problems if problem not in PINNABLE]
    if leaf is None or serious or not problems:
        reason = next(iter(serious), CertificateReason.MALFORMED)
        raise CertificateError(
            f"the certificate of {endpoint} cannot be pinned ({reason.value})",
            reason=reason,
            certificate=leaf,
        )
    return _new_offer(
        address=account.address,
        service=service,
        endpoint=endpoint,
        certificate=leaf,
        problems=problems,
        seen_at=datetime.now(UTC),
    )


def _new_offer(**values: Any) -> PinOffer:
    offer = object.__new__(PinOffer)
    for name, value in values.items():
        object.__setattr__(offer, name, value)
    return offer
