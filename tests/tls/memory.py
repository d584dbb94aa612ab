"""A TLS server in memory, by the standard library: the engine's independent counterpart."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

from securemail import ClientCertificate, TLSVersion, TrustStore
from securemail.minimum import Policy
from securemail.policy.confidentiality import may_show_client_certificate
from securemail.records import TLSARecord
from securemail.tls.context import ContextKey, build_context
from securemail.tls.dane import usable
from securemail.tls.engine import Engine
from securemail.tls.handshake import Handshake
from securemail.tls.verdict import Rules

HOST = "mail.example.org"


class MemoryServer:
    """The server's end."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.is_established = False
        self.error: ssl.SSLError | None = None

    def advance(self) -> None:
        if self.is_established or self.error:
            return
        try:
            self.tls.do_handshake()
            self.is_established = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            self.error = exc

    @property
    def client_certificate(self) -> bytes | None:
        return self.tls.getpeercert(binary_form=True) if self.is_established else None


def engine(
    pem: bytes,
    *,
    host: str = HOST,
    policy: Policy | None = None,
    certificate: ClientCertificate | None = None,
    tlsa: Iterable[TLSARecord] = (),
) -> Engine:
    """Return an engine that believes `pem`, and what the DNS has for the host."""
    wanted = policy or Policy()
    key = ContextKey(
        TrustStore.from_pem(pem), wanted.minimum_tls, certificate.chain if certificate else ()
    )
    return Engine(
        build_context(key),
        Handshake(
            rules=Rules(
                host=host,
                is_address=host[0].isdigit(),
                must_validate=wanted.has_minimum,
                tlsa=usable(tlsa),
                tlsa_base=host,
            ),
            client_certificate=certificate,
            may_show=lambda version: may_show_client_certificate(wanted, version),
        ),
    )


def shake_hands(client: Engine, server: MemoryServer) -> bytes:
    """Run the handshake to its end; return what the client received inside TLS meanwhile."""
    received = b""
    client.start()
    for _ in range(4):
        server.incoming.write(client.outgoing())
        server.advance()
        received += send_to_client(client, server)
    return received


def send_to_client(client: Engine, server: MemoryServer) -> bytes:
    """Give what the server has written to the client; return what it held."""
    return b"".join(client.receive(memoryview(server.outgoing.read())))


TLS12, TLS13 = TLSVersion.TLS_1_2, TLSVersion.TLS_1_3
