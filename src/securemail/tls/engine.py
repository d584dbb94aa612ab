"""A TLS client in memory: ciphertext in, plaintext out (RFC 8446, RFC 5246). No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from sys import intern
from typing import Final

from OpenSSL import SSL

from securemail.errors import (
    CertificateError,
    ConnectError,
    SecureMailError,
    TLSError,
    VersionError,
)
from securemail.proof import CertificateReason, ChannelBinding, Proof, Trust
from securemail.revocation import Revocation
from securemail.tls.binding import channel_binding
from securemail.tls.context import ClientContext
from securemail.tls.handshake import UNWELCOME, Handshake, reason_of, tls_version
from securemail.tls.parsed import verified_chain
from securemail.tls.resumption import Tickets
from securemail.tls.tickets import SessionTickets
from securemail.tls.verdict import Verdict

# A memory BIO never gives back what it grew to: fed in slices of one record, a burst leaves
# 63 KiB behind instead of 103. A handshake comes once, and in smaller ones it leaves 2 KiB less.
_SLICE_BYTES: Final = 16 * 1024
_HANDSHAKE_SLICE_BYTES: Final = 512
_READ_BYTES: Final = 16 * 1024
_OUTGOING_BYTES: Final = 32 * 1024

# What OpenSSL says when the first bytes from the server are no TLS record.
_NOT_TLS: Final = frozenset({"wrong version number", "packet length too long", "http request"})

# Our word for the server's version, and its alert on ours.
_NO_VERSION: Final = frozenset({"unsupported protocol", "protocol version"})

# And what it says when a certificate cannot be parsed, or has a key that is none for TLS.
_BAD_CERTIFICATE: Final = frozenset(
    {
        "ASN1 lib",
        "excessive message size",  # 100 KiB; nothing else in a handshake gets near it
        "cert length mismatch",
        "wrong certificate type",
        "unknown certificate type",
    }
)


class Engine:
    """One client side of TLS.

    Call `start()`, send `outgoing()`, give what the server sends to `receive()` and iterate over
    the plaintext; send `outgoing()` after each call. `is_established` tells when `proof()` may be
    asked and `write()` used, `has_heard` whether the server has said anything at all.
    """

    __slots__ = (
        "_connection",
        "_handshake",
        "_proof",
        "_sessions",
        "has_heard",
        "is_closed_by_peer",
        "is_established",
    )

    def __init__(
        self, context: ClientContext, handshake: Handshake, tickets: Tickets | None = None
    ) -> None:
        self.has_heard = False
        self.is_established = False
        self.is_closed_by_peer = False
        self._handshake = handshake
        self._sessions = SessionTickets(tickets)
        self._proof: Proof | None = None
        self._connection = SSL.Connection(context)
        self._connection.set_app_data(handshake)
        self._connection.set_connect_state()
        if handshake.rules.revocation is not Revocation.OFF:
            self._connection.request_ocsp()
        if not handshake.rules.is_address:
            self._connection.set_tlsext_host_name(handshake.rules.server_name.encode("ascii"))

    @property
    def client_certificate_sent(self) -> bool:
        """Whether the server has seen the client certificate, whatever it thinks of it."""
        return self._handshake.client_certificate_sent

    @property
    def is_resuming(self) -> bool:
        """Whether the server was offered an earlier session, and has not declined it yet."""
        return self._sessions.is_offered and not self._handshake.has_read_certificate

    @property
    def is_certificate_unwelcome(self) -> bool:
        """Whether the handshake ended because the server does not take the client certificate.

        Another one, without it, may get further.
        """
        return self._handshake.is_certificate_unwelcome

    def start(self) -> None:
        """Begin the handshake."""
        self._sessions.offer(self._connection)
        self._advance()

    def receive(self, ciphertext: memoryview) -> Iterator[bytes]:
        """Take bytes from the server and yield what they hold, at most one record at a time.

        Iterate to the end: bytes not reached are lost.

        Raises: CertificateError, TLSError; nothing works after that.
        """
        self.has_heard = True
        while ciphertext:
            size = _SLICE_BYTES if self.is_established else _HANDSHAKE_SLICE_BYTES
            self._connection.bio_write(ciphertext[:size])
            ciphertext = ciphertext[size:]
            if not self.is_established:
                self._advance()
            if self.is_established:
                yield from self._decrypted()
                self._sessions.collect(self._connection, self._handshake)

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.Error as exc:
            if self.is_certificate_unwelcome:
                self.outgoing()  # the certificate is in it
                self._handshake.client_certificate_sent = False
                raise TLSError(f"the client certificate stays here: {UNWELCOME}") from exc
            if isinstance(exc, SSL.WantReadError):
                return
            raise self._explained(exc) from exc
        self._sessions.settle(self._connection, self._handshake)
        self._check_verdict()
        self.is_established = True
        self._proof = self._sessions.proven(self._new_proof(), self._handshake)
        self._handshake.forget_chain()

    def _check_verdict(self) -> None:
        """Refuse a handshake that ended well without anybody having judged the certificate."""
        handshake = self._handshake
        if handshake.is_authenticated or not handshake.rules.must_validate:
            return
        raise handshake.failure or CertificateError(
            f"nothing vouches for {handshake.rules.host}",
            reason=CertificateReason.INVALID,
            certificate=None,
        )

    def _decrypted(self) -> Iterator[bytes]:
        while not self.is_closed_by_peer:
            try:
                yield self._connection.recv(_READ_BYTES)
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self.is_closed_by_peer = True
            except SSL.Error as exc:
                raise self._explained(exc) from exc

    def end_of_input(self) -> None:
        """Take note that the server's side of the connection has ended.

        Raises: ConnectError when it did not say so inside TLS: somebody may have cut the line to
        make a message look whole (RFC 8446 section 6.1).
        """
        if not self.is_established:
            raise ConnectError("the server hung up during the handshake", phase="tls")
        if not self.is_closed_by_peer:
            raise ConnectError(
                "the connection was cut: it ended without a close alert",
                phase="read",
                is_truncated=True,
            )

    def write(self, plaintext: memoryview) -> None:
        """Encrypt `plaintext`; it is in `outgoing()` then.

        Raises: TLSError when the connection cannot be written to.
        """
        while plaintext:
            try:
                sent = self._connection.send(plaintext[:_SLICE_BYTES])
            except SSL.Error as exc:
                raise self._explained(exc) from exc
            plaintext = plaintext[sent:]

    def outgoing(self) -> bytes:
        """Return the ciphertext that waits to be sent, and forget it."""
        chunks: list[bytes] = []
        try:
            # What is not full is the last one, and to find the BIO empty is an error of 4 us.
            while not chunks or len(chunks[-1]) == _OUTGOING_BYTES:
                chunks.append(self._connection.bio_read(_OUTGOING_BYTES))
        except SSL.Error:
            pass
        return b"".join(chunks)

    def close(self) -> None:
        """Say goodbye: the close alert is in `outgoing()` then (RFC 8446 section 6.1)."""
        if not self.is_established:
            return
        try:
            self._connection.shutdown()
        except SSL.Error:
            return

    def let_go(self) -> None:
        """Take note that the connection is no more, however it ended.

        OpenSSL throws away the session of a connection that is dropped without a close alert: of
        300 one was resumed. After a fatal alert it has done so already, and does so rightly.
        """
        if self.is_established:
            self._connection.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)

    def proof(self) -> Proof:
        """Return what the handshake proved.

        Raises: TLSError before it is over.
        """
        if self._proof is None:
            raise TLSError("there is no TLS session")
        return self._proof

    def _new_proof(self) -> Proof:
        version = tls_version(self._connection)
        if version is None:
            raise TLSError("there is no TLS session")
        handshake, connection = self._handshake, self._connection
        verdict = handshake.verdict or Verdict(Trust.NONE)
        group = connection.get_group_name()
        return Proof(
            tls_version=version,
            cipher=intern(connection.get_cipher_name() or "unknown"),
            group=intern(group) if group else None,
            trust=verdict.trust,
            identity=verdict.identity,
            tlsa=verdict.tlsa,
            chain=verified_chain(connection),
            failure=verdict.failure.reason if verdict.failure else None,
            problems=handshake.problems,
            resumed=False,
            client_certificate_requested=handshake.client_certificate_requested,
            client_certificate_sent=handshake.client_certificate_sent,
            client_certificate_withheld=(
                handshake.is_certificate_withheld and handshake.client_certificate_requested
            ),
            client_certificate_problem=handshake.client_certificate_problem,
            revocation=handshake.revocation,
            without_hybrid=handshake.without_hybrid,
        )

    def channel_binding(self) -> ChannelBinding | None:
        """Return what binds a login to this connection, or None where nothing can.

        Raises: TLSError before the handshake is over.
        """
        if not self.is_established:
            raise TLSError("there is no TLS session")
        try:
            return channel_binding(self._connection)
        except SSL.Error as exc:
            raise self._explained(exc) from exc

    def _explained(self, exc: SSL.Error) -> SecureMailError:
        handshake, exc.__traceback__ = self._handshake, None  # its frames hold the verdict
        if handshake.refusal:
            return handshake.refusal
        reason = reason_of(exc)
        is_version = not {handshake.alert, reason}.isdisjoint(_NO_VERSION)
        kind = VersionError if is_version and not self.is_established else TLSError
        if handshake.alert:
            return kind(
                f"{handshake.rules.host} ended TLS with the alert {handshake.alert!r}",
                alert=handshake.alert,
            )
        if not self.is_established and reason in _BAD_CERTIFICATE:
            return CertificateError(
                f"the certificate of {handshake.rules.host} is malformed ({reason})",
                reason=CertificateReason.MALFORMED,
                certificate=None,
            )
        # Before it asks us: what was stapled is no OCSP response at all.
        if not self.is_established and reason == "tlsv1 bad certificate status response":
            return CertificateError(
                f"{handshake.rules.host} has stapled a status that cannot be read",
                reason=CertificateReason.STAPLE_INVALID,
                certificate=None,
            )
        if not self.is_established and reason in _NOT_TLS:
            return TLSError(f"{handshake.rules.host} does not speak TLS there ({reason})")
        return kind(f"TLS with {handshake.rules.host} failed: {reason}")
