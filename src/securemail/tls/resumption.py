"""When a TLS session may be taken up again, and what that proves (RFC 8446 sections 2.2, 4.6.1).

A resumed handshake shows no certificate: the server proves that it holds the key of a ticket which
the server of a full handshake gave us. So the evidence of that handshake is kept with the ticket,
and judged again by the rules of today. No I/O here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from OpenSSL import SSL

from securemail import limits
from securemail.account import Account, Endpoint, Service
from securemail.minimum import Policy
from securemail.proof import Proof, TLSVersion, Trust
from securemail.proxy import Proxy
from securemail.tls.findings import out_of_date
from securemail.tls.revocation import objection
from securemail.tls.verdict import Finding, Rules, Verdict, decide
from securemail.trust import TrustStore

_LIFETIME: Final = dt.timedelta(seconds=limits.RESUMPTION_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """Whose session with which server: only for an equal key is it found again.

    Two accounts share none, nor do two services or modes of one server: a server would see that the
    same program has both, and an attacker could answer for the one with the other (RFC 8446
    section C.4). Nor do two ways to it, by another proxy or none: a ticket would tell who comes
    before the login does. There is no client certificate in it: accounts with one resume nothing,
    and what else is kept by this key (`aio/known.py`) the server has to confirm at each login.
    """

    address: str
    username: str
    authorization_identity: str
    # The others tell nearly all keys apart, and each connect looks eight times for one.
    service: Service = field(hash=False)
    endpoint: Endpoint = field(hash=False)
    server_name: str
    policy: Policy = field(hash=False)
    trust: TrustStore = field(hash=False)
    proxy: Proxy | None = field(hash=False)

    @classmethod
    def of(cls, account: Account, service: Service, endpoint: Endpoint, rules: Rules) -> Self:
        """Return the key for `account` at `endpoint`."""
        return cls(
            address=account.address,
            username=account.credentials.username if account.credentials else "",
            authorization_identity=account.authorization_identity,
            service=service,
            endpoint=endpoint,
            server_name=rules.server_name,
            policy=account.policy,
            trust=account.trust,
            proxy=account.proxy,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the server showed in a full handshake, begun at `at`, and what PKIX found wanting in it.

    Every session that goes back to that handshake has the same, however many lie between.
    """

    proof: Proof
    findings: tuple[Finding, ...]
    at: dt.datetime


@dataclass(frozen=True, slots=True, eq=False)
class Resumable:
    """A session for which the server has given a ticket. Used once (RFC 8446 section C.4)."""

    session: SSL.Session = field(repr=False)
    evidence: Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Resumption:
    """A session that may be offered now, and today's verdict on the server it is with."""

    resumable: Resumable
    verdict: Verdict


class Tickets(Protocol):
    """Where a connection finds a session to take up, and puts those that it is given."""

    def take(self) -> Resumption | None:
        """Return a session that may be offered now, and forget it."""

    def keep(self, new: Resumable, *, instead_of: Resumable | None) -> None:
        """Keep `new`; the one that the same connection has left before is not needed any more."""


def judge(evidence: Evidence, rules: Rules, now: dt.datetime) -> Verdict | None:
    """Return what `evidence` is worth at `now`, under the rules of today; None when it is too old.

    Names, DANE records and pins are compared anew, and the dates of the whole chain and of what was
    stapled; what PKIX found wanting then still is.
    """
    # A clock that was set back must not make a session younger than it is.
    if not dt.timedelta(0) <= now - evidence.at < _LIFETIME:
        return None
    chain = evidence.proof.chain
    if not chain or evidence.proof.tls_version is not TLSVersion.TLS_1_3:
        return None
    since = [*_out_of_date(evidence, now), *_not_known_good(evidence, rules, now)]
    verdict = decide(rules, chain, [*evidence.findings, *since])
    return None if verdict.trust is Trust.NONE else verdict


def _not_known_good(evidence: Evidence, rules: Rules, now: dt.datetime) -> Iterator[Finding]:
    """Yield what speaks against a staple by now: a full handshake brings a newer one."""
    proof = evidence.proof
    found = objection(rules.revocation, proof.chain, proof.revocation, now)
    if found is not None:
        yield found


def _out_of_date(evidence: Evidence, now: dt.datetime) -> Iterator[Finding]:
    for depth, certificate in enumerate(evidence.proof.chain):
        if finding := out_of_date(certificate, depth, now):
            yield finding
