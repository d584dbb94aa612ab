"""What one handshake found out, and the decisions made inside it (RFC 8446, RFC 5280).

OpenSSL calls back into this module while the handshake runs, so that a refusal ends it before a
client certificate or a byte of mail protocol has left. No I/O here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509

from securemail.certificate import ClientCertificate
from securemail.errors import CertificateError
from securemail.proof import CertificateReason, TLSVersion, Trust
from securemail.revocation import RevocationStatus
from securemail.tls.findings import finding_of
from securemail.tls.issuers import is_welcome
from securemail.tls.parsed import parsed
from securemail.tls.verdict import Finding, Rules, Verdict, decide, problems_of, refused
from securemail.wire.text import printable

_VERSIONS: Final = {
    SSL.TLS1_2_VERSION: TLSVersion.TLS_1_2,
    SSL.TLS1_3_VERSION: TLSVersion.TLS_1_3,
}

# RFC 8446 section 6: the alerts that say something about us to a person.
ALERTS: Final = {
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown certificate authority",
    49: "access denied",
    51: "decrypt error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    90: "user canceled",
    112: "unrecognized name",
    116: "certificate required",
}

UNWELCOME: Final = "no issuer of its chain is among those whose certificates the server takes"

_READ_ALERT: Final = SSL.SSL_CB_READ_ALERT
_CLOSE_NOTIFY: Final = 0


@dataclass(slots=True)
class Handshake:
    """The rules of one connection, and what became known under them.

    `at` is when it began, by which a staple is judged, and for the words of a refusal. `may_show`
    says in which TLS versions and behind which key exchange the account lets its client certificate
    be seen. The handshake is `without_hybrid` if the server was silent to one with the post-quantum
    group on offer.
    """

    rules: Rules
    at: dt.datetime
    client_certificate: ClientCertificate | None = None
    may_show: Callable[[TLSVersion, str | None], bool] = field(default=lambda *_: True)
    without_hybrid: bool = False
    verdict: Verdict | None = None
    revocation: RevocationStatus = RevocationStatus()
    client_certificate_requested: bool = False
    client_certificate_sent: bool = False
    client_certificate_problem: str | None = None
    is_certificate_withheld: bool = False
    is_certificate_loaded: bool = False
    is_certificate_unwelcome: bool = False
    has_read_certificate: bool = False
    alert: str | None = None
    _has_ticket: bool = False
    _is_ticket_long: bool = False
    problems: tuple[CertificateReason, ...] = ()
    _chain: dict[int, x509.Certificate] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)

    def see(self, certificate: x509.Certificate, error: int, depth: int) -> None:
        """Take OpenSSL's word on one certificate of the chain: an error, or 0 when it is done.

        With the server's own the verdict is found, and found again for each error behind it:
        OpenSSL looks at name constraints last of all.
        """
        if depth == 0:
            list(certificate.extensions)  # raises for malformed ones, which OpenSSL puts otherwise
        self._chain[depth] = certificate
        if error:
            self._findings.append(finding_of(error, certificate, depth, self.at))
        is_due = depth == 0 if not error else self.verdict is not None
        if is_due:
            self._decide()

    def find(self, finding: Finding) -> None:
        """Take note of `finding` after the verdict, and find that again."""
        self._findings.append(finding)
        self._decide()

    def _decide(self) -> None:
        if self._is_open:
            self.verdict = decide(self.rules, self.chain, self._findings)
        # PKIX has none with what it accepts: it asks for findings and names, and for no more.
        is_clean = self.verdict is not None and self.verdict.trust is Trust.PKIX
        self.problems = () if is_clean else problems_of(self.rules, self.chain, self._findings)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The chain, the server's own certificate first; empty as long as that is not known."""
        return (
            tuple(self._chain[place] for place in sorted(self._chain)) if 0 in self._chain else ()
        )

    def forget_chain(self) -> None:
        """Let the chain go: it is judged, and the handshake lives as long as the connection."""
        self._chain.clear()

    @property
    def _is_open(self) -> bool:
        return self.verdict is None or self.verdict.failure is None

    def refuse(self, finding: Finding) -> None:
        """Decide against the server, whatever else may speak for it; the first reason stays."""
        if self._is_open:
            self.verdict = refused(self.rules, finding)

    def take_ticket(self) -> bool:
        """Return whether a session ticket has come since this was asked last."""
        has_ticket, self._has_ticket = self._has_ticket, False
        return has_ticket

    def note_ticket(self, *, is_whole: bool) -> None:
        """Take note of a session ticket, or of one that goes on in the next record.

        Those are 200 octets in the field, and a record has 16 KiB. What is longer, up to 64 KiB, is
        meant to fill our memory.
        """
        self._has_ticket = is_whole and not self._is_ticket_long
        self._is_ticket_long = not is_whole

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What PKIX found wanting in the chain."""
        return tuple(self._findings)

    @property
    def failure(self) -> CertificateError | None:
        """Why the server's certificate is not accepted, as far as that is certain already."""
        if self.verdict is not None:
            return self.verdict.failure
        if self._findings and not self.rules.may_accept_in_spite_of_findings:
            return refused(self.rules, self._findings[0]).failure
        return None

    @property
    def refusal(self) -> CertificateError | None:
        """Why the handshake must end, if it must.

        Without a minimum it goes on as long as the client certificate is out of reach.
        """
        must_end = self.rules.must_validate or self.is_certificate_loaded
        return self.failure if must_end else None

    @property
    def is_authenticated(self) -> bool:
        """Whether the server's certificate was judged and nothing was found wanting."""
        return self.verdict is not None and self.verdict.trust is not Trust.NONE


def verify(connection: SSL.Connection, cert: X509, error: int, depth: int, ok: int) -> bool:
    """Hear about one certificate; called by OpenSSL for errors, then from the root to the leaf."""
    handshake: Handshake = connection.get_app_data()
    try:
        handshake.see(parsed(cert), 0 if ok else error or -1, depth)
    except Exception as exc:  # noqa: BLE001 - hostile certificates raise anything: fail closed
        about = "it" if depth == 0 else f"an issuer, {depth} above it,"
        detail = f"{about} is malformed ({printable(str(exc))})"
        handshake.refuse(Finding(CertificateReason.MALFORMED, _parsed(cert), detail, depth))
    return handshake.refusal is None


def _parsed(cert: X509) -> x509.Certificate | None:
    try:
        return parsed(cert)
    except Exception:  # noqa: BLE001 - InvalidVersion is no ValueError, and not the only one
        return None


def notice(connection: SSL.Connection, where: int, value: int) -> None:
    """Follow the handshake; called by OpenSSL at each step. Must not raise: nobody would see it.

    The names of the steps are SSL_state_string_long's. If a later OpenSSL words them otherwise, no
    client certificate is loaded, and the tests say so.
    """
    handshake: Handshake = connection.get_app_data()
    if where & _READ_ALERT == _READ_ALERT:
        code = value & 0xFF
        if code != _CLOSE_NOTIFY:
            handshake.alert = ALERTS.get(code, f"alert {code}")
        return
    match connection.get_state_string():
        case b"SSLv3/TLS read server certificate":
            handshake.has_read_certificate = True
            _load_client_certificate(connection, handshake)
        case b"SSLv3/TLS read server certificate request":
            handshake.client_certificate_requested = True
            if where & SSL.SSL_CB_LOOP:  # it is whole, and this is the only time: see below
                _reconsider(connection, handshake)
        case b"SSLv3/TLS write certificate verify":
            handshake.client_certificate_sent = True
        case b"SSLv3/TLS read server session ticket":
            handshake.note_ticket(is_whole=not where & SSL.SSL_CB_EXIT)


def _load_client_certificate(connection: SSL.Connection, handshake: Handshake) -> None:
    """Put the client certificate within reach, now that the server's own was accepted.

    Before this moment the connection does not even hold it. From here OpenSSL sends it only if the
    server asks (RFC 8314 section 5.5), and only after the server proved that it has its key.
    """
    mine = handshake.client_certificate
    version = tls_version(connection)
    if mine is None or version is None or not handshake.is_authenticated:
        return
    if not handshake.may_show(version, connection.get_group_name()):
        handshake.is_certificate_withheld = True
        return
    if handshake.is_certificate_loaded or handshake.client_certificate_problem:
        return  # the list may be long, and a server can have us called for each octet
    if not _is_welcome(connection, mine):
        handshake.client_certificate_problem = UNWELCOME
        return
    try:
        connection.use_certificate(mine.certificate)
        connection.use_privatekey(mine.key)
        handshake.is_certificate_loaded = True
    except SSL.Error as exc:
        handshake.client_certificate_problem = reason_of(exc)


def _reconsider(connection: SSL.Connection, handshake: Handshake) -> None:
    """Take note of a certificate that the server would not take, where it is out of reach already.

    TLS 1.2 has the request behind the server's certificate, and OpenSSL chooses its answer before
    it calls us again. So `Engine` throws that answer away.

    Asked when the next message begins, and not whenever octets of it come: to read a list of 60 KiB
    takes 29 ms, and a record of 16,384 octets may come one by one.
    """
    mine = handshake.client_certificate
    is_decided = handshake.is_certificate_unwelcome or not handshake.is_certificate_loaded
    if mine is not None and not is_decided:
        handshake.is_certificate_unwelcome = not _is_welcome(connection, mine)


def _is_welcome(connection: SSL.Connection, mine: ClientCertificate) -> bool:
    try:
        return is_welcome(mine, connection.get_client_ca_list(as_cryptography=True))
    except Exception:  # noqa: BLE001 - what cannot be read as names does not name our issuer
        return False


def tls_version(connection: SSL.Connection) -> TLSVersion | None:
    """Return the version that was agreed on, or None for one that may not carry mail."""
    return _VERSIONS.get(connection.get_protocol_version())


def reason_of(exc: SSL.Error) -> str:
    """Return OpenSSL's last word; `args` is a list of (library, function, reason) at best."""
    match exc.args:
        case ([*_, (_, _, str(reason))],):
            return reason
        case _:
            return str(exc) or type(exc).__name__
