"""`make demo`: mail submitted and read back by three protocols, and an attack that is refused.

All on loopback. Run it with `python -m securemail.demo`; it needs the extra `securemail[testing]`.
"""

from __future__ import annotations

import asyncio
import sys
from email.message import EmailMessage
from typing import Final

from securemail import (
    Account,
    ClientCertificate,
    Confidentiality,
    Endpoint,
    Password,
    PolicyError,
    SecureSession,
    Service,
    TLSMode,
    TrustStore,
    connect_imap,
    connect_pop3,
    connect_submission,
)
from securemail.testing import Expect, MailServer, Offer, ScriptedServer, Send

_ADDRESS: Final = "alice@example.org"
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of a server that lives a second
_MECHANISMS: Final = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "EXTERNAL")


def main() -> None:
    """Run the demo."""
    asyncio.run(_demo())


async def _demo() -> None:
    async with MailServer({"alice": _PASSWORD}, offer=Offer(mechanisms=_MECHANISMS)) as server:
        _say(f"A mail server for {_ADDRESS} is up on {server.address}, with its own authority.")
        await _submit("1. Submit a message: STARTTLS, with a password", _by_password(server))
        await _read_imap("2. Read it by IMAP: implicit TLS, with a password", _by_password(server))
        await _read_imap("3. Again: STARTTLS, with a client certificate", _by_certificate(server))
        await _read_pop3("4. And by POP3: implicit TLS, with a password", _by_password(server))
    await _refuse_an_attack()


def _by_password(server: MailServer) -> Account:
    return Account(
        _ADDRESS,
        imap=server.endpoint(TLSMode.IMPLICIT),
        pop3=server.endpoint(TLSMode.IMPLICIT, service=Service.POP3),
        submission=server.endpoint(TLSMode.STARTTLS, service=Service.SUBMISSION),
        credentials=Password("alice", _PASSWORD),
        trust=TrustStore.from_pem(server.ca.pem),
    )


def _by_certificate(server: MailServer) -> Account:
    return Account(
        _ADDRESS,
        imap=server.endpoint(TLSMode.STARTTLS),
        client_certificate=ClientCertificate.from_pem(server.ca.client_pem("alice")),
        trust=TrustStore.from_pem(server.ca.pem),
    )


async def _submit(title: str, account: Account) -> None:
    _title(title)
    async with connect_submission(account) as session:
        _explain(session)
        await session.client.submit(_letter())
        _say("the message was accepted")


async def _read_imap(title: str, account: Account) -> None:
    _title(title)
    async with connect_imap(account) as session:
        _explain(session)
        await session.client.select("INBOX")
        answer = await session.client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subject = next(line for line in answer.lines if isinstance(line, bytearray))
        _say(f"the first message: {subject.decode().strip()}")


async def _read_pop3(title: str, account: Account) -> None:
    _title(title)
    async with connect_pop3(account) as session:
        _explain(session)
        message = await session.client.retr(1)
        subject = next(line for line in message.splitlines() if line.startswith(b"Subject:"))
        _say(f"the first message: {subject.decode()}")


async def _refuse_an_attack() -> None:
    _title("5. An attacker strips STARTTLS")
    attack = (
        Send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] no STARTTLS here, just log in\r\n"),
        Expect(rb"\S+ STARTTLS"),
        Send(b"{tag} BAD unknown command\r\n"),
    )
    async with ScriptedServer(attack) as attacker:
        account = Account(
            _ADDRESS,
            imap=Endpoint(
                "mail.example.org", attacker.port, TLSMode.STARTTLS, addresses=[attacker.address]
            ),
            credentials=Password("alice", _PASSWORD),
        )
        try:
            await connect_imap(account)
        except PolicyError as exc:
            await attacker.finished.wait()
            _say(f"refused: {exc}")
            _say(f"all that the attacker has seen: {attacker.cleartext!r}")
            return
    raise SystemExit("the attack was not refused")


def _explain(session: SecureSession) -> None:
    """Say in plain words how the login came about and what the connection proved."""
    record: Confidentiality = session.confidentiality
    bound = f", bound to this connection by {session.channel_binding}"
    _say(
        f"logged in by {session.authenticated_by}"
        f"{bound if session.channel_binding else ''} at {session.endpoint}"
    )
    _say(f"{record.indicator.label}: {record.indicator.sentence}")
    _say(f"  {record.tls_version.value if record.tls_version else 'no TLS'}, {record.cipher}")
    _say(f"  key exchange {record.group}; trust {record.trust.value}, for {record.identity}")
    shown = "shown" if record.client_certificate_sent else "not shown"
    asked = "asked for" if record.client_certificate_requested else "not asked for"
    _say(f"  client certificate {asked} and {shown}")


def _letter() -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = _ADDRESS
    letter["To"] = _ADDRESS
    letter["Subject"] = "Nobody else has read this"
    letter.set_content("Hello Alice.")
    return letter


def _title(text: str) -> None:
    sys.stdout.write(f"\n{text}\n{'-' * len(text)}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
