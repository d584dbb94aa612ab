"""Scripts and accounts for the tests that read what left the socket."""

from __future__ import annotations

from typing import Any

from securemail import (
    Account,
    Endpoint,
    Password,
    Phase,
    SecureMailError,
    SecureSession,
    Service,
    Timeouts,
    TLSMode,
    TrustStore,
)
from securemail.testing import (
    CertificateAuthority,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    StartTLS,
    Step,
)

HOST = "mail.example.org"
GREETING = Send(b"* OK hi\r\n")
OFFERS = b"[CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=EXTERNAL IDLE]"
TLS_GREETING = Send(b"* OK " + OFFERS + b" hi\r\n")
STARTTLS = Expect(rb"\w+ STARTTLS")
CAPABILITY = Expect(rb"\w+ CAPABILITY")
PLAIN = Expect(rb"\w+ AUTHENTICATE PLAIN \S+")
EXTERNAL = Expect(rb"\w+ AUTHENTICATE EXTERNAL =")
BEGIN = Send(b"{tag} OK begin\r\n")
LISTED = Send(b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n{tag} OK listed\r\n")
WELCOME = Send(b"{tag} OK [CAPABILITY IMAP4rev1 IDLE] welcome\r\n")
REFUSED = Send(b"{tag} NO [AUTHENTICATIONFAILED] no such user\r\n")
# How a server sees a client off.
LEAVE = (Expect(rb"\w+ LOGOUT"), Send(b"* BYE bye\r\n{tag} OK bye\r\n"), Hang())

# What a client with a password says in cleartext when all goes well, and not a byte more.
ONLY_STARTTLS = rb"[0-9A-F]{8}1 STARTTLS\r\n"

# The dialogue of a login that works, up to the hand-over.
UPGRADED = (GREETING, STARTTLS, BEGIN, StartTLS(), CAPABILITY, LISTED, PLAIN, WELCOME)
IMPLICIT = (StartTLS(), TLS_GREETING, PLAIN, WELCOME)


def account(
    server: ScriptedServer,
    ca: CertificateAuthority,
    tls: TLSMode,
    service: Service = Service.IMAP,
    /,
    **fields: Any,
) -> Account:
    """Return alice's account on `server`."""
    fields.setdefault("credentials", Password("alice", "secret"))
    fields.setdefault("trust", TrustStore.from_pem(ca.pem))
    addresses = fields.pop("addresses", [server.address])
    fields[service.name.lower()] = Endpoint(HOST, server.port, tls, addresses=addresses)
    return Account("alice@example.org", **fields)


async def refused(
    script: tuple[Step, ...],
    ca: CertificateAuthority,
    *,
    tls: TLSMode = TLSMode.STARTTLS,
    context: Any = None,
    timeouts: Timeouts | None = None,
    service: Service = Service.IMAP,
    **fields: Any,
) -> tuple[SecureMailError, ScriptedServer]:
    """Connect to a server that plays `script`, which must fail with one of our errors."""
    context = context or ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer(script, context=context) as server:
        mine = account(server, ca, tls, service, **fields)
        try:
            session = await SecureSession.connect(mine, service, timeouts=timeouts)
        except SecureMailError as exc:
            await server.finished.wait()
            return exc, server
        await session.aclose()
        raise AssertionError("the connection was made")


def phase_of(session: SecureSession) -> Phase:
    """Return the phase now; mypy would take a property for a constant."""
    return session.phase
