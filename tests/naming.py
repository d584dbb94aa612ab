"""A TLS server that names the issuers whose client certificates it takes.

Python's ssl cannot do that. This is pyOpenSSL in the clothes of an `ssl.SSLContext`, for the test
servers that want one.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from OpenSSL import SSL

from securemail.testing import ServerCertificate

T = TypeVar("T")


class _Server:
    """As much of an `ssl.SSLObject` as the test servers use. It takes any client certificate."""

    def __init__(
        self, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._connection = SSL.Connection(context)
        self._connection.set_accept_state()
        self._incoming, self._outgoing = incoming, outgoing

    def _do(self, step: Callable[[], T]) -> T:
        if data := self._incoming.read():
            self._connection.bio_write(data)
        try:
            return step()
        except SSL.WantReadError as exc:
            raise ssl.SSLWantReadError from exc
        except SSL.ZeroReturnError as exc:
            raise ssl.SSLZeroReturnError from exc
        except SSL.Error as exc:
            raise ssl.SSLError(str(exc)) from exc
        finally:
            with contextlib.suppress(SSL.WantReadError):
                while True:
                    self._outgoing.write(self._connection.bio_read(65536))

    def do_handshake(self) -> None:
        self._do(self._connection.do_handshake)

    def read(self, size: int) -> bytes:
        return self._do(lambda: self._connection.recv(size))

    def write(self, data: memoryview) -> int:
        return self._do(lambda: self._connection.send(data))

    def unwrap(self) -> None:
        self._do(self._connection.shutdown)

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        assert binary_form
        shown = self._connection.get_peer_certificate(as_cryptography=True)
        return shown.public_bytes(Encoding.DER) if shown else None


class _Context:
    """As much of an `ssl.SSLContext`."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *, server_side: bool
    ) -> _Server:
        assert server_side
        return _Server(self._context, incoming, outgoing)


def naming(
    own: ServerCertificate, issuers: Sequence[x509.Certificate], version: ssl.TLSVersion
) -> ssl.SSLContext:
    """Return the context of a server that takes certificates of `issuers`, or says nothing of it.

    It speaks that one version.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.use_certificate(x509.load_pem_x509_certificate(own.pem))
    key = load_pem_private_key(own.pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    context.use_privatekey(key)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    for issuer in issuers:
        context.add_client_ca(issuer)
    return cast("ssl.SSLContext", _Context(context))
