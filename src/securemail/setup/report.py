"""What came of trying an account: for a program, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from securemail.account import Account, Endpoint, Service
from securemail.errors import SecureMailError
from securemail.policy.confidentiality import Confidentiality
from securemail.policy.offer import TLSOffer
from securemail.setup.advice import advice_on


class Step(Enum):
    """What was being done."""

    CONNECT = "connecting"
    TLS = "securing the connection"
    MINIMUM = "meeting the minimum"
    LOGIN = "logging in"


class LoginResult(Enum):
    """What came of the login."""

    WORKED = "the login worked"
    FAILED = "the login failed"
    NOT_TRIED = "no login was tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """What came of trying one service.

    `confidentiality` is what the connection proved, with its shortfalls; None where there was
    none. `step` and `error` say where it failed; both are None if it did not. `offer` is TLS that
    an account without a minimum could ask for.
    """

    service: Service
    endpoint: Endpoint
    login: LoginResult = LoginResult.NOT_TRIED
    authenticated_by: str | None = None
    confidentiality: Confidentiality | None = None
    capabilities: frozenset[str] = frozenset()
    step: Step | None = None
    error: SecureMailError | None = None
    offer: TLSOffer | None = None

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed: with credentials, the login worked."""
        return self.error is None

    @property
    def advice(self) -> str:
        """What a person can do; empty if nothing failed."""
        return "" if self.error is None else advice_on(self.error)

    def as_dict(self) -> dict[str, object]:
        """Return the report in values that JSON has."""
        proof = self.confidentiality
        return {
            "service": self.service.value,
            "host": self.endpoint.host,
            "port": self.endpoint.port,
            "tls": self.endpoint.tls.name.lower(),
            "ok": self.is_ok,
            "login": self.login.name.lower(),
            "authenticated_by": self.authenticated_by,
            "level": proof.level.value if proof else None,
            "tls_version": proof.tls_version.value if proof and proof.tls_version else None,
            "trust": proof.trust.value if proof else None,
            "revocation": proof.revocation.cert_status.value if proof else None,
            "identity": str(proof.identity) if proof and proof.identity else None,
            "shortfalls": sorted(each.name.lower() for each in proof.shortfalls) if proof else [],
            "step": self.step.name.lower() if self.step else None,
            "error": type(self.error).__name__ if self.error else None,
            "message": str(self.error) if self.error else None,
            "advice": self.advice,
            "offer": str(self.offer) if self.offer else None,
        }

    def __str__(self) -> str:
        lines = [f"{self.service.value} at {self.endpoint}, {self.endpoint.tls.value}"]
        if self.confidentiality is not None:
            lines.append(self.confidentiality.indicator.sentence)
            lines += sorted(shortfall.value for shortfall in self.confidentiality.shortfalls)
        by = f" by {self.authenticated_by}" if self.authenticated_by else ""
        lines.append(self.login.value + by)
        if self.error is not None and self.step is not None:
            lines.append(f"{self.step.value} failed: {self.error}")
            lines.append(self.advice)
        if self.offer is not None:
            lines.append(str(self.offer))
        return "\n  ".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """What came of trying an account: one report for each service that it has.

    `warnings` are sentences on what works today and soon will not.
    """

    account: Account
    services: tuple[ServiceReport, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        return all(report.is_ok for report in self.services)

    @property
    def offers(self) -> tuple[TLSOffer, ...]:
        """TLS that the account could ask for from now on; see `with_offers()`."""
        return tuple(report.offer for report in self.services if report.offer is not None)

    def service(self, service: Service) -> ServiceReport | None:
        """Return what came of `service`; None if the account has none."""
        return next((report for report in self.services if report.service is service), None)

    def as_dict(self) -> dict[str, object]:
        """Return the report in values that JSON has."""
        services = [report.as_dict() for report in self.services]
        return {
            "address": self.account.address,
            "ok": self.is_ok,
            "services": services,
            "warnings": list(self.warnings),
        }

    def __iter__(self) -> Iterator[ServiceReport]:
        return iter(self.services)

    def __str__(self) -> str:
        return "\n".join([f"{self.account.address}:", *map(str, self.services), *self.warnings])
