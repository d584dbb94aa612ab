"""The session that one connection offers, and those it is given (RFC 8446 section 4.6.1).

Only TLS 1.3 is resumed: there the key exchange is a new one all the same. In TLS 1.2 a resumed
connection has none of its own, so that whoever gets the server's ticket key reads it later, and
OpenSSL does not tell us whether the extended master secret binds it (RFC 7627 section 5.3).
No I/O here.
"""

from __future__ import annotations

from dataclasses import replace

from cryptography import x509
from OpenSSL import SSL

from securemail.proof import Proof, TLSVersion
from securemail.tls.handshake import Handshake
from securemail.tls.parsed import parsed
from securemail.tls.resumption import Evidence, Resumable, Resumption, Tickets


class SessionTickets:
    """What one connection has to do with sessions. Without `tickets`, nothing."""

    __slots__ = ("_evidence", "_kept", "_offered", "_tickets")

    def __init__(self, tickets: Tickets | None) -> None:
        self._tickets = tickets
        self._offered: Resumption | None = None
        self._evidence: Evidence | None = None
        self._kept: Resumable | None = None

    @property
    def is_offered(self) -> bool:
        """Whether the ClientHello offers a session, and the server has not declined it."""
        return self._offered is not None

    def offer(self, connection: SSL.Connection) -> None:
        """Have the ClientHello offer a session, if there is one that may be taken up."""
        offered = self._tickets.take() if self._tickets is not None else None
        if offered is not None:
            connection.set_session(offered.resumable.session)
            self._offered = offered

    def settle(self, connection: SSL.Connection, handshake: Handshake) -> None:
        """Give a handshake that was resumed the verdict that was found before.

        It was resumed when a session was on offer, no certificate came, and OpenSSL has the
        certificate of that session instead. Anything else leaves the handshake without a verdict,
        which is a refusal.
        """
        offered = self._offered
        if offered is None or handshake.verdict is not None or handshake.has_read_certificate:
            self._offered = None
        elif _leaf(connection) == offered.resumable.evidence.proof.chain[0]:
            handshake.verdict = offered.verdict

    def proven(self, proof: Proof, handshake: Handshake) -> Proof:
        """Return the whole proof: with what a resumed handshake owes to the full one before it."""
        if self._offered is not None:
            self._evidence = self._offered.resumable.evidence
            before = self._evidence.proof
            return replace(proof, chain=before.chain, revocation=before.revocation, resumed=True)
        is_good = handshake.is_authenticated and proof.tls_version is TLSVersion.TLS_1_3
        if self._tickets is not None and is_good:
            self._evidence = Evidence(proof, handshake.findings, handshake.at)
        return proof

    def collect(self, connection: SSL.Connection, handshake: Handshake) -> None:
        """Keep the session of the last ticket that came, if one did.

        One for each connection: it shares its memory with the connection as long as that lives.
        """
        if self._tickets is None or self._evidence is None or not handshake.take_ticket():
            return
        session = connection.get_session()
        if session is not None:
            new = Resumable(session, self._evidence)
            self._tickets.keep(new, instead_of=self._kept)
            self._kept = new


def _leaf(connection: SSL.Connection) -> x509.Certificate | None:
    try:
        certificate = connection.get_peer_certificate()
        return None if certificate is None else parsed(certificate)
    except Exception:  # noqa: BLE001 - one that cryptography cannot parse was never kept
        return None
