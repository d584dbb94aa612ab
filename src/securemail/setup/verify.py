"""Tries an account: what each connection proves, and whether the login works (RFC 8314 §5.1)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from securemail.account import Account, Endpoint, Service, TLSMode
from securemail.aio.clock import Timeouts
from securemail.aio.resolver import Resolver
from securemail.aio.sessions import now
from securemail.errors import CertificateError, PolicyError, SecureMailError, TLSError, UsageError
from securemail.policy.confidentiality import Confidentiality
from securemail.policy.offer import tls_offer
from securemail.session import SecureSession
from securemail.setup.report import AccountReport, LoginResult, ServiceReport, Step


async def verify_account(
    account: Account, *, resolver: Resolver | None = None, timeouts: Timeouts | None = None
) -> AccountReport:
    """Return what came of connecting to each service of the account, and of logging in.

    All services are tried at once. A login is tried only where the connection met the minimum, that
    of RFC 8314 for an account that has none: no credentials are sent otherwise, and the report says
    why. It shows `TLSOffer`s for an account without a minimum, and warns of a client certificate
    that ends soon.

    A failure is part of the report, with what a person can do. Raises: nothing but UsageError for
    an account without servers.
    """
    services = [service for service in Service if account.endpoint(service) is not None]
    if not services:
        raise UsageError("it has no server", field="account")
    names = resolver or Resolver.system()
    tried = await asyncio.gather(*(_try(account, each, names, timeouts) for each in services))
    mine = account.client_certificate
    warning = mine.warning(now()) if mine is not None else None
    warnings = () if warning is None else (warning,)
    return AccountReport(account=account, services=tuple(tried), warnings=warnings)


@dataclass(slots=True)
class _Visit:
    """How far it came."""

    account: Account
    service: Service
    endpoint: Endpoint
    step: Step = Step.CONNECT
    confidentiality: Confidentiality | None = None
    capabilities: frozenset[str] = frozenset()
    login: LoginResult = LoginResult.NOT_TRIED
    authenticated_by: str | None = None
    error: SecureMailError | None = None


async def _try(
    account: Account, service: Service, resolver: Resolver, timeouts: Timeouts | None
) -> ServiceReport:
    endpoint = account.endpoint(service)
    if endpoint is None:
        raise UsageError("it has no such server", field="account")
    visit = _Visit(account, service, endpoint)
    try:
        session: SecureSession[object] = await SecureSession.open(
            account, service, resolver=resolver, timeouts=timeouts
        )
        async with session:
            await _walk(session, visit)
    except SecureMailError as exc:
        # A report is kept; the frames hold what was on the way to the server.
        visit.error = exc.with_traceback(None)
    return _report(visit)


async def _walk(session: SecureSession[object], visit: _Visit) -> None:
    if session.endpoint.tls is TLSMode.STARTTLS:
        visit.step = Step.TLS
        await session.starttls()
    visit.confidentiality = session.confidentiality
    visit.capabilities = await session.discover()
    # Not the gate's question: an account without a minimum has an open one, and its password must
    # not be what a configuration is tried with all the same (RFC 8314 section 5.1).
    if missing := session.confidentiality.shortfalls:
        raise PolicyError(
            "a login would expose the password, and was not tried", shortfalls=missing
        )
    if session.account.credentials is None and session.account.client_certificate is None:
        return
    visit.step, visit.login = Step.LOGIN, LoginResult.FAILED
    await session.authenticate()
    visit.login, visit.authenticated_by = LoginResult.WORKED, session.authenticated_by


def _report(visit: _Visit) -> ServiceReport:
    offer = None
    if visit.confidentiality is not None:
        offer = tls_offer(
            visit.account,
            visit.service,
            confidentiality=visit.confidentiality,
            capabilities=visit.capabilities,
        )
    return ServiceReport(
        service=visit.service,
        endpoint=visit.endpoint,
        login=visit.login,
        authenticated_by=visit.authenticated_by,
        confidentiality=visit.confidentiality,
        capabilities=visit.capabilities,
        step=_failed_step(visit),
        error=visit.error,
        offer=offer,
    )


def _failed_step(visit: _Visit) -> Step | None:
    if visit.error is None:
        return None
    if isinstance(visit.error, PolicyError):
        return Step.MINIMUM
    # Implicit TLS comes up while connecting.
    is_tls = isinstance(visit.error, CertificateError | TLSError)
    return Step.TLS if is_tls and visit.step is Step.CONNECT else visit.step
