"""An account and where its servers are (RFC 8314, RFC 6409, RFC 9051). No I/O here."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from enum import Enum
from typing import Final

from securemail.certificate import ClientCertificate
from securemail.credentials import Credentials, OAuthToken, Password, check_prepared
from securemail.errors import UsageError
from securemail.hosts import canonical_host, is_address
from securemail.minimum import Policy
from securemail.pin import Pin
from securemail.proxy import Proxy
from securemail.service import Service
from securemail.trust import TrustStore

__all__ = ["Account", "Endpoint", "Service", "TLSMode"]

_EHLO: Final = "Account.ehlo_name"
_SRV_DOMAIN: Final = "Endpoint.srv_domain"


class TLSMode(Enum):
    """When TLS begins (RFC 8314 section 3)."""

    IMPLICIT = "implicit TLS"
    STARTTLS = "STARTTLS"
    NONE = "no TLS"


# RFC 6186 section 3; RFC 8314 section 5.1 adds `_submissions`.
SRV_NAMES: Final = {
    (Service.IMAP, TLSMode.IMPLICIT): "_imaps",
    (Service.IMAP, TLSMode.STARTTLS): "_imap",
    (Service.POP3, TLSMode.IMPLICIT): "_pop3s",
    (Service.POP3, TLSMode.STARTTLS): "_pop3",
    (Service.SUBMISSION, TLSMode.IMPLICIT): "_submissions",
    (Service.SUBMISSION, TLSMode.STARTTLS): "_submission",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server's host, port and TLS mode.

    `host` is the name that the certificate must carry; it is kept in lower case and in A-label form
    (RFC 5891). `addresses` are IP addresses to dial in that order instead of asking the DNS; the
    name is still the one that is checked. `srv_domain` is the mail domain whose SRV record led to
    `host`: a certificate for that domain is then as good (RFC 7817 section 3). Whoever makes an
    endpoint answers for its host: one that an unsigned SRV record names outside the mail domain is
    nobody's but the record's, until a person has accepted it (RFC 6186 section 6).

    Raises: UsageError for an empty or impossible host, a port outside 1 to 65535, an address that
    is none, or a mail domain that is no name.
    """

    host: str
    port: int
    tls: TLSMode
    addresses: tuple[str, ...] = ()
    srv_domain: str = ""

    def __init__(
        self,
        host: str,
        port: int,
        tls: TLSMode,
        *,
        addresses: tuple[str, ...] | list[str] = (),
        srv_domain: str = "",
    ) -> None:
        object.__setattr__(self, "host", canonical_host(host, "Endpoint.host"))
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            raise UsageError(f"{port!r} is not a port between 1 and 65535", field="Endpoint.port")
        object.__setattr__(self, "port", port)
        if not isinstance(tls, TLSMode):
            raise UsageError(f"{tls!r} is not a TLSMode", field="Endpoint.tls")
        object.__setattr__(self, "tls", tls)
        object.__setattr__(self, "addresses", tuple(map(_canonical_address, addresses)))
        object.__setattr__(self, "srv_domain", _canonical_domain(srv_domain))

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, and the certificate must carry that address."""
        return is_address(self.host)

    def srv_id(self, service: Service) -> str:
        """Return the SRV-ID of `service` here (RFC 4985), or "" when no SRV record led here."""
        name = SRV_NAMES.get((service, self.tls))
        return f"{name}.{self.srv_domain}" if name and self.srv_domain else ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Account:
    """Everything needed to reach one person's mail, and how private it must be.

    `credentials` and `client_certificate` belong to this account alone: nothing of them is shared
    with another (RFC 8314 section 5.5). With both, the credentials are tried first and SASL
    EXTERNAL is the fallback; `prefer_external=True` turns that round. `authorization_identity` is
    the identity to act as, where it differs from the one that logs in (RFC 4422 section 3.4.1).
    `ehlo_name` is what EHLO says inside TLS, a host name or an address literal; servers put it into
    the header of each message. Empty, as by default, it is "[127.0.0.1]", which says nothing.
    With `proxy` all its connections go through that one, which looks the servers' names up.
    `is_existing` is true of what an `AccountStore` has: its setup is over, and no pin is offered.

    Raises: UsageError naming the field, for an address without a domain, for TLSMode.NONE under a
    policy that has a minimum, and for values of the wrong kind.
    """

    address: str
    _: KW_ONLY
    imap: Endpoint | None = None
    pop3: Endpoint | None = None
    submission: Endpoint | None = None
    credentials: Credentials | None = None
    client_certificate: ClientCertificate | None = None
    policy: Policy = Policy()
    trust: TrustStore = TrustStore.system()
    pins: frozenset[Pin] = frozenset()
    prefer_external: bool = False
    authorization_identity: str = ""
    ehlo_name: str = ""
    proxy: Proxy | None = None
    is_existing: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        local, at, domain = str(self.address).rpartition("@")
        if not (local and at and domain) or not str(self.address).isprintable():
            raise UsageError(f"{self.address!r} is not a mail address", field="Account.address")
        if not isinstance(self.policy, Policy):
            raise UsageError("not a Policy", field="Account.policy")
        if not isinstance(self.trust, TrustStore):
            raise UsageError("not a TrustStore", field="Account.trust")
        for service in Service:
            self._check_endpoint(service)
        if not isinstance(self.credentials, Password | OAuthToken | None):
            raise UsageError("neither a Password nor an OAuthToken", field="Account.credentials")
        if not isinstance(self.client_certificate, ClientCertificate | None):
            raise UsageError("not a ClientCertificate", field="Account.client_certificate")
        if not isinstance(self.proxy, Proxy | None):
            raise UsageError("not a Proxy", field="Account.proxy")
        object.__setattr__(self, "pins", self._checked_pins())
        object.__setattr__(self, "ehlo_name", _canonical_ehlo_name(self.ehlo_name))
        check_prepared(self.authorization_identity, "Account.authorization_identity")

    def _check_endpoint(self, service: Service) -> None:
        endpoint = self.endpoint(service)
        field = f"Account.{service.name.lower()}"
        if not isinstance(endpoint, Endpoint | None):
            raise UsageError(f"{endpoint!r} is not an Endpoint", field=field)
        if endpoint and endpoint.tls is TLSMode.NONE and self.policy.has_minimum:
            raise UsageError(
                f"{endpoint} is configured without TLS, but the account's policy has a minimum",
                field=f"{field}.tls",
            )

    def _checked_pins(self) -> frozenset[Pin]:
        pins = frozenset(self.pins)
        if not all(isinstance(pin, Pin) for pin in pins):
            raise UsageError("not all of them are a Pin", field="Account.pins")
        if others := {pin.address for pin in pins} - {self.address}:
            raise UsageError(f"pins of {', '.join(sorted(others))}", field="Account.pins")
        if len({(pin.service, pin.host, pin.port) for pin in pins}) < len(pins):
            raise UsageError("two pins for one server", field="Account.pins")
        return pins

    def pin(self, service: Service) -> Pin | None:
        """Return the pin for where `service` is now, or None where there is none."""
        endpoint = self.endpoint(service)
        if endpoint is None:
            return None
        here = (service, endpoint.host, endpoint.port)
        return next((pin for pin in self.pins if (pin.service, pin.host, pin.port) == here), None)

    def without_pin(self, pin: Pin) -> Account:
        """Return the account with `pin` undone (RFC 8314 section 5.4).

        The next connection does without it; those that are open stay as they are.

        Raises: UsageError when the account does not have it.
        """
        if pin not in self.pins:
            raise UsageError("the account does not have that pin", field="Account.pins")
        return replace(self, pins=self.pins - {pin})

    def endpoint(self, service: Service) -> Endpoint | None:
        """Return where `service` is, or None where the account has none."""
        match service:
            case Service.IMAP:
                return self.imap
            case Service.POP3:
                return self.pop3
            case Service.SUBMISSION:
                return self.submission


def _canonical_domain(domain: str) -> str:
    if domain == "":
        return domain
    name = canonical_host(domain, _SRV_DOMAIN)
    if is_address(name):
        raise UsageError(f"{domain!r} is an address, not a mail domain", field=_SRV_DOMAIN)
    return name


def _canonical_ehlo_name(name: str) -> str:
    """Return what RFC 5321 section 4.1.3 wants: a domain, or an address in brackets."""
    if name == "":
        return name
    host = canonical_host(name.replace("[IPv6:", "[", 1) if isinstance(name, str) else name, _EHLO)
    if not is_address(host):
        return host
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def _canonical_address(address: str) -> str:
    if not isinstance(address, str) or not is_address(address):
        raise UsageError(f"{address!r} is not an IP address", field="Endpoint.addresses")
    return address
