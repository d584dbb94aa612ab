"""A TLS server in memory, by the standard library: the engine's independent counterpart."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterable
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from securemail import ClientCertificate, TLSVersion, TrustStore
from securemail.minimum import Policy
from securemail.pin import Pin
from securemail.policy.confidentiality import may_show_client_certificate
from securemail.records import TLSARecord
from securemail.tls.context import ContextKey, build_context
from securemail.tls.dane import usable
from securemail.tls.engine import Engine
from securemail.tls.handshake import Handshake
from securemail.tls.verdict import Rules

HOST = "mail.example.org"

# ECDHE with AES_128_GCM_SHA256, signed by one or the other.
_ECDSA, _RSA = b"\xc0\x2b", b"\xc0\x2f"


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
    srv_id: str = "",
    tlsa: Iterable[TLSARecord] = (),
    pin: Pin | None = None,
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
                must_validate=wanted.has_minimum or pin is not None,
                tlsa=usable(tlsa),
                tlsa_base=host,
                srv_id=srv_id,
                revocation=wanted.revocation,
                pin=pin,
            ),
            at=dt.datetime.now(dt.UTC),
            client_certificate=certificate,
            may_show=partial(may_show_client_certificate, wanted),
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


def certificate_message(*certificates: bytes, suite: bytes = _ECDSA) -> bytes:
    """Return a TLS 1.2 ServerHello and Certificate, which need no key to be made."""
    hello = b"\x03\x03" + bytes(32) + b"\0" + suite + b"\0" + b"\0\x05\xff\x01\0\x01\0"
    chain = b"".join(len(each).to_bytes(3, "big") + each for each in certificates)
    body = len(chain).to_bytes(3, "big") + chain
    flight = b"\x02" + len(hello).to_bytes(3, "big") + hello
    flight += b"\x0b" + len(body).to_bytes(3, "big") + body
    records = (flight[place : place + 2**14] for place in range(0, len(flight), 2**14))
    return b"".join(b"\x16\x03\x03" + len(each).to_bytes(2, "big") + each for each in records)


def show(client: Engine, certificates: Iterable[x509.Certificate]) -> None:
    """Give the client the certificates of a server that stops there: nobody needs its key.

    Raises: what the client has against them.
    """
    own, *issuers = certificates
    is_rsa = isinstance(own.public_key(), rsa.RSAPublicKey)
    show_encoded(
        client, [each.public_bytes(Encoding.DER) for each in (own, *issuers)], is_rsa=is_rsa
    )


def show_encoded(client: Engine, certificates: Iterable[bytes], *, is_rsa: bool = False) -> None:
    """Give the client certificates that may be none, as `show` does."""
    client.start()
    shown = certificate_message(*certificates, suite=_RSA if is_rsa else _ECDSA)
    list(client.receive(memoryview(shown)))


TLS12, TLS13 = TLSVersion.TLS_1_2, TLSVersion.TLS_1_3
VERSIONS = {TLS12: ssl.TLSVersion.TLSv1_2, TLS13: ssl.TLSVersion.TLSv1_3}
