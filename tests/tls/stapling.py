"""A TLS server in memory that staples, which one by Python's ssl cannot."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from securemail import TLSVersion
from securemail.tls.engine import Engine
from tests.tls.chains import Chain

VERSIONS: Final = {
    TLSVersion.TLS_1_2: SSL.TLS1_2_VERSION,
    TLSVersion.TLS_1_3: SSL.TLS1_3_VERSION,
}


_HANDSHAKE: Final = 22
_CERTIFICATE_STATUS: Final = 22
_RECORD_BYTES: Final = 2**14


class StaplingServer:
    """Staples `staple`, asks every client for a certificate, and gives tickets.

    In TLS 1.2 somebody on the path puts `forged` in its place, where that is given: OpenSSL staples
    nothing that it cannot parse, and nothing about another certificate. `client_certificate` is the
    last one that it was given, `alert` the last that it was told.
    """

    def __init__(
        self,
        chain: Chain,
        staple: bytes = b"",
        version: TLSVersion = TLSVersion.TLS_1_3,
        *,
        forged: bytes | None = None,
    ) -> None:
        self.staple = staple
        self._forged = forged
        self.client_certificate: bytes | None = None
        self.alert = ""
        self._context = context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(VERSIONS[version])
        context.set_max_proto_version(VERSIONS[version])
        context.use_certificate(chain.certificates[0])
        for issuer in chain.certificates[1:-1]:
            context.add_extra_chain_cert(issuer)
        context.use_privatekey(chain.key)
        context.set_session_id(b"tests")
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_ocsp_server_callback(lambda *_: self.staple)

    def meet(self, client: Engine) -> None:
        """Shake hands with `client` and let it go.

        Raises: what the client does; it has sent its alert then.
        """
        tls = SSL.Connection(self._context)
        tls.set_accept_state()
        client.start()
        try:
            for _ in range(4):
                self._hear(tls, client)
                with suppress(SSL.WantReadError):
                    flight = tls.bio_read(2**16)
                    if self._forged is not None:
                        flight = _with_status(flight, self._forged)
                    list(client.receive(memoryview(flight)))
        finally:
            self._hear(tls, client)
            shown = tls.get_peer_certificate(as_cryptography=True)
            self.client_certificate = shown.public_bytes(Encoding.DER) if shown else None
            client.let_go()

    def _hear(self, tls: SSL.Connection, client: Engine) -> None:
        if data := client.outgoing():
            tls.bio_write(data)
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as exc:
            self.alert = self.alert or str(exc)


def _with_status(flight: bytes, staple: bytes) -> bytes:
    """Return the records of TLS 1.2 with another CertificateStatus (RFC 6066 section 8)."""
    body = b"\x01" + len(staple).to_bytes(3, "big") + staple
    message = bytes([_CERTIFICATE_STATUS]) + len(body).to_bytes(3, "big") + body
    cut = (message[at : at + _RECORD_BYTES] for at in range(0, len(message), _RECORD_BYTES))
    forged = b"".join(b"\x16\x03\x03" + len(each).to_bytes(2, "big") + each for each in cut)
    changed = b""
    while flight:
        end = 5 + int.from_bytes(flight[3:5], "big")
        is_status = (flight[0], flight[5]) == (_HANDSHAKE, _CERTIFICATE_STATUS)
        changed += forged if is_status else flight[:end]
        flight = flight[end:]
    return changed
