"""The TLS engine for one connection of an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from securemail.account import Account, Service
from securemail.aio.contexts import shared_context
from securemail.aio.known import KnownServer
from securemail.aio.route import Route, endpoint_of
from securemail.aio.sessions import AccountTickets, Sessions, now
from securemail.minimum import Policy
from securemail.policy.confidentiality import may_show_client_certificate
from securemail.proof import TLSVersion
from securemail.tls.context import ContextKey
from securemail.tls.dane import usable
from securemail.tls.engine import Engine
from securemail.tls.handshake import UNWELCOME, Handshake
from securemail.tls.hello import Hello
from securemail.tls.resumption import SessionKey
from securemail.tls.verdict import Rules


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one TLS connection begins with: its engine, and what is known of the server."""

    engine: Engine
    known: KnownServer


async def prepare(account: Account, service: Service, route: Route, hello: Hello) -> Prepared:
    """Return an engine that will hold the server for `service` to what `account` asks for.

    `route` is what the DNS knows about it, `hello` what to offer.
    """
    endpoint = endpoint_of(account, service)
    policy, mine = account.policy, account.client_certificate
    # RFC 8314 section 5.3: where there is a minimum, a pin counts for nothing.
    pin = None if policy.has_minimum else account.pin(service)
    key = ContextKey(
        account.trust, policy.minimum_tls, mine.chain if mine else (), is_hybrid=hello.is_hybrid
    )
    rules = Rules(
        host=endpoint.host,
        is_address=endpoint.is_address,
        must_validate=policy.has_minimum or pin is not None,
        pin=pin,
        tlsa=usable(route.tlsa),
        tlsa_base=route.tlsa_base,
        srv_id=endpoint.srv_id(service),
        revocation=policy.revocation,
    )
    # A server that DANE cannot vouch for is below the minimum: it learns nothing about the account.
    is_below_minimum = policy.require_dane and not rules.tlsa
    handshake = Handshake(
        rules=rules,
        at=now(),
        client_certificate=mine if hello.shows_certificate and not is_below_minimum else None,
        client_certificate_problem=None if hello.shows_certificate else UNWELCOME,
        may_show=_may_show(policy),
        without_hybrid=not hello.is_hybrid,
    )
    shared = await shared_context(key)
    session_key = SessionKey.of(account, service, endpoint, rules)
    tickets = _tickets(shared.sessions, session_key, rules, hello) if mine is None else None
    known = KnownServer(shared.known, session_key, policy)
    return Prepared(Engine(shared.context, handshake, tickets), known)


@lru_cache(maxsize=64)
def _may_show(policy: Policy) -> Callable[[TLSVersion, str | None], bool]:
    """Return when a client certificate may be seen; the same for all sessions under `policy`."""
    return partial(may_show_client_certificate, policy)


def _tickets(
    sessions: Sessions, key: SessionKey, rules: Rules, hello: Hello
) -> AccountTickets | None:
    """Return where the account's sessions are, unless its server is known to break them.

    Not for accounts with a client certificate: a resumed handshake neither shows it nor asks for
    it, so that nobody could tell on what a login by EXTERNAL rests.
    """
    if not hello.may_resume:
        sessions.bar(key, now())
    if sessions.is_barred(key, now()):
        return None
    return AccountTickets(sessions, key, rules)
