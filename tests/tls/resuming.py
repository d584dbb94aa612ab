"""One client and its sessions, and servers that hand out tickets, in memory."""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from OpenSSL import SSL

from securemail import Account, ClientCertificate, Endpoint, Policy, Service, TLSMode, TrustStore
from securemail.aio.sessions import AccountTickets, Sessions
from securemail.testing import CertificateAuthority, ServerCertificate
from securemail.tls.context import ClientContext, ContextKey, build_context
from securemail.tls.engine import Engine
from securemail.tls.handshake import Handshake
from securemail.tls.resumption import Resumable, Resumption, SessionKey
from securemail.tls.verdict import Rules
from tests.tls.memory import HOST, MemoryServer, shake_hands

RULES = Rules(host=HOST, is_address=False, must_validate=True)


@dataclass(slots=True)
class Client:
    """One account with one server; `rules` and `at` are those of today, to be changed."""

    trust: TrustStore
    rules: Rules = RULES
    policy: Policy = field(default_factory=Policy)
    certificate: ClientCertificate | None = None
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    sessions: Sessions = field(default_factory=Sessions)
    context: ClientContext = field(init=False)

    def __post_init__(self) -> None:
        self.context = build_context(ContextKey(self.trust, self.policy.minimum_tls))

    def now(self) -> dt.datetime:
        return self.at

    def take(self) -> Resumption | None:
        return self._tickets().take()

    def keep(self, new: Resumable, *, instead_of: Resumable | None) -> None:
        self._tickets().keep(new, instead_of=instead_of)

    def _tickets(self) -> AccountTickets:
        here = Endpoint(HOST, 993, TLSMode.IMPLICIT)
        account = Account("alice@example.org", imap=here, policy=self.policy, trust=self.trust)
        key = SessionKey.of(account, Service.IMAP, here, self.rules)
        return AccountTickets(self.sessions, key, self.rules, clock=self.now)

    def engine(self) -> Engine:
        handshake = Handshake(rules=self.rules, at=self.now(), client_certificate=self.certificate)
        return Engine(self.context, handshake, self)

    def connect(self, context: ssl.SSLContext) -> tuple[Engine, MemoryServer]:
        """Shake hands with a server that has `context`, and let the connection go."""
        client, server = self.engine(), MemoryServer(context)
        shake_hands(client, server)
        client.let_go()
        return client, server

    def is_resumed(self, context: ssl.SSLContext) -> bool:
        """Connect, and return whether both ends say that they took up an earlier session."""
        client, server = self.connect(context)
        assert client.proof().resumed == bool(server.tls.session_reused)
        return client.proof().resumed


def client_of(ca: CertificateAuthority, **fields: Any) -> Client:
    return Client(TrustStore.from_pem(ca.pem), **fields)


def extensions(hello: bytes) -> set[int]:
    """Return the types of the extensions in a ClientHello (RFC 8446 section 4.1.2)."""
    place = 5 + 4 + 2 + 32  # the headers of record and message, the version, the random
    place += 1 + hello[place]
    place += 2 + int.from_bytes(hello[place : place + 2])
    place += 1 + hello[place] + 2
    found = set()
    while place < len(hello):
        found.add(int.from_bytes(hello[place : place + 2]))
        place += 4 + int.from_bytes(hello[place + 2 : place + 4])
    return found


class OpenSSLServer:
    """A server by pyOpenSSL, which can say how long its tickets are good."""

    def __init__(self, certificate: ServerCertificate, *, ticket_s: int = 7200) -> None:
        own = ClientCertificate.from_pem(certificate.pem)
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.use_certificate(own.certificate)
        self.context.use_privatekey(own.key)
        self.context.set_timeout(ticket_s)

    def answer(self, client: Engine) -> None:
        """Shake hands with `client`, and send it the tickets."""
        tls = SSL.Connection(self.context)
        tls.set_accept_state()
        client.start()
        for _ in range(4):
            if data := client.outgoing():
                tls.bio_write(data)
            with suppress(SSL.WantReadError):
                tls.do_handshake()
            with suppress(SSL.WantReadError):
                list(client.receive(memoryview(tls.bio_read(65536))))
        client.let_go()
