"""Scripts and accounts for submission: what scripts.py is for IMAP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from securemail import (
    Account,
    Endpoint,
    Password,
    SecureMailError,
    SecureSession,
    Timeouts,
    TLSMode,
    TrustStore,
    connect_submission,
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
from securemail.transports.submission import SubmissionClient
from tests.session.scripts import HOST

GREETING = Send(b"220 mail.example.org ESMTP\r\n")
EHLO = Expect(rb"EHLO \[127\.0\.0\.1\]")
OFFER_BEFORE_TLS = Send(b"250-mail.example.org\r\n250 STARTTLS\r\n")
STARTTLS = Expect(rb"STARTTLS")
BEGIN = Send(b"220 2.0.0 go ahead\r\n")
PLAIN = Expect(rb"AUTH PLAIN \S+")
EXTERNAL = Expect(rb"AUTH EXTERNAL =")
WELCOME = Send(b"235 2.7.0 welcome\r\n")
REFUSED = Send(b"535 5.7.8 no such user\r\n")
LEAVE = (Expect(rb"QUIT"), Send(b"221 2.0.0 bye\r\n"), Hang())
OK = Send(b"250 2.0.0 ok\r\n")
GO_ON = Send(b"354 go on\r\n")

# All that may ever be said in cleartext.
ONLY_EHLO = rb"EHLO \[127\.0\.0\.1\]\r\n"
ONLY_STARTTLS = ONLY_EHLO + rb"STARTTLS\r\n"


def offer(*lines: bytes) -> Send:
    """Return a reply to EHLO; PLAIN and EXTERNAL are offered in any case."""
    middle = b"".join(b"250-%s\r\n" % line for line in lines)
    return Send(b"250-mail.example.org\r\n" + middle + b"250 AUTH PLAIN EXTERNAL\r\n")


OFFER = offer(b"SIZE 100000", b"8BITMIME")
ASKED = (GREETING, EHLO, OFFER_BEFORE_TLS, STARTTLS)
UPGRADED = (*ASKED, BEGIN, StartTLS(), EHLO, OFFER, PLAIN, WELCOME)
IMPLICIT = (StartTLS(), GREETING, EHLO, OFFER, PLAIN, WELCOME)

MESSAGE = b"From: alice@example.org\r\nTo: bob@example.org\r\n\r\n.dots\r\n"
MAIL = Expect(rb"MAIL FROM:<alice@example\.org>.*")
BOB = Expect(rb"RCPT TO:<bob@example\.org>")
CAROL = Expect(rb"RCPT TO:<carol@example\.org>")
DATA = Expect(rb"DATA")
RSET = Expect(rb"RSET")
TEXT = (Expect(rb"From: .*"), Expect(rb"To: .*"), Expect(rb""), Expect(rb"\.\.dots"))
DOT = Expect(rb"\.")
# All that is sent for MESSAGE, up to the answer behind its end.
SENT = (MAIL, OK, BOB, OK, DATA, GO_ON, *TEXT, DOT)


def logged_in(*lines: bytes) -> tuple[Step, ...]:
    """Return the dialogue up to the login, with a server that offers `lines`."""
    return (StartTLS(), GREETING, EHLO, offer(*lines), PLAIN, WELCOME)


def account(
    server: ScriptedServer, ca: CertificateAuthority, tls: TLSMode, **fields: Any
) -> Account:
    """Return alice's account on `server`."""
    fields.setdefault("credentials", Password("alice", "secret"))
    fields.setdefault("trust", TrustStore.from_pem(ca.pem))
    endpoint = Endpoint(HOST, server.port, tls, addresses=[server.address])
    return Account("alice@example.org", submission=endpoint, **fields)


async def refused(
    script: tuple[Step, ...],
    ca: CertificateAuthority,
    *,
    tls: TLSMode = TLSMode.STARTTLS,
    timeouts: Timeouts | None = None,
    **fields: Any,
) -> tuple[SecureMailError, ScriptedServer]:
    """Connect to a server that plays `script`, which must fail with one of our errors."""
    context = ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer(script, context=context) as server:
        mine = account(server, ca, tls, **fields)
        try:
            session = await connect_submission(mine, timeouts=timeouts)
        except SecureMailError as exc:
            await server.finished.wait()
            return exc, server
        await session.aclose()
        raise AssertionError("the connection was made")


@asynccontextmanager
async def connected(
    script: tuple[Step, ...],
    ca: CertificateAuthority,
    *,
    tls: TLSMode = TLSMode.IMPLICIT,
    timeouts: Timeouts | None = None,
    **fields: Any,
) -> AsyncIterator[tuple[SecureSession[SubmissionClient], ScriptedServer]]:
    """Yield a session that is ready, with a server that plays `script`."""
    context = ca.server_context(HOST, request_client_certificate=True)
    async with ScriptedServer(script, context=context) as server:
        mine = account(server, ca, tls, **fields)
        async with connect_submission(mine, timeouts=timeouts) as session:
            yield session, server
