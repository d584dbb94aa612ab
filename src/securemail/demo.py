"""`make demo`: two secure sessions, and an attack that is refused, all on loopback.

Run it with `python -m securemail.demo`; it needs the extra `securemail[testing]`.
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
    TLSMode,
    TrustStore,
    connect_imap,
)
from securemail.testing import Expect, MailServer, ScriptedServer, Send

_ADDRESS: Final = "alice@example.org"
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of a server that lives a second


def main() -> None:
    """Run the demo."""
    asyncio.run(_demo())


async def _demo() -> None:
    async with MailServer({"alice": _PASSWORD}) as server:
        server.store.deliver("alice", _letter())
        _say(f"An IMAP server for {_ADDRESS} is up on {server.address}, with its own authority.")
        password = Account(
            _ADDRESS,
            imap=server.endpoint(TLSMode.IMPLICIT),
            credentials=Password("alice", _PASSWORD),
            trust=TrustStore.from_pem(server.ca.pem),
        )
        await _read_mail("1. Implicit TLS, with a password", password)
        certificate = Account(
            _ADDRESS,
            imap=server.endpoint(TLSMode.STARTTLS),
            client_certificate=ClientCertificate.from_pem(server.ca.client_pem("alice")),
            trust=TrustStore.from_pem(server.ca.pem),
        )
        await _read_mail("2. STARTTLS, with a client certificate", certificate)
    await _refuse_an_attack()


async def _read_mail(title: str, account: Account) -> None:
    _title(title)
    async with connect_imap(account) as session:
        _say(f"logged in by {session.authenticated_by} at {session.endpoint}")
        _explain(session.confidentiality)
        await session.client.select("INBOX")
        answer = await session.client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subject = next(line for line in answer.lines if isinstance(line, bytearray))
        _say(f"the first message: {subject.decode().strip()}")


async def _refuse_an_attack() -> None:
    _title("3. An attacker strips STARTTLS")
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


def _explain(record: Confidentiality) -> None:
    """Say the proof record in plain words."""
    indicator = record.indicator
    _say(f"{indicator.label}: {indicator.sentence}")
    _say(f"  {record.tls_version.value if record.tls_version else 'no TLS'}, {record.cipher}")
    _say(f"  key exchange {record.group}; trust {record.trust.value}, for {record.identity}")
    shown = "shown" if record.client_certificate_sent else "not shown"
    asked = "asked for" if record.client_certificate_requested else "not asked for"
    _say(f"  client certificate {asked} and {shown}")


def _letter() -> bytes:
    letter = EmailMessage()
    letter["From"] = "bob@example.org"
    letter["To"] = _ADDRESS
    letter["Subject"] = "Nobody else has read this"
    letter.set_content("Hello Alice.")
    return letter.as_bytes()


def _title(text: str) -> None:
    sys.stdout.write(f"\n{text}\n{'-' * len(text)}\n")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
