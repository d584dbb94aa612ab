"""`make demo`: from an address to an account on disk, mail sent and read, and a refused attack.

All on loopback. Run it with `python -m securemail.demo`; it needs the extra `securemail[testing]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from securemail import (
    Account,
    AccountStore,
    ClientCertificate,
    Confidentiality,
    Endpoint,
    Password,
    PolicyError,
    Resolver,
    SecureSession,
    TLSMode,
    TrustStore,
    connect_imap,
    connect_pop3,
    connect_submission,
    discover,
    verify_account,
)
from securemail.testing import (
    Expect,
    MailServer,
    NameServer,
    Offer,
    ScriptedServer,
    Send,
    mail_zone,
)

_ADDRESS: Final = "alice@example.org"
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of a server that lives a second
_MECHANISMS: Final = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "EXTERNAL")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo; without `arguments`, with those of the process."""
    argparse.ArgumentParser(
        prog="python -m securemail.demo",
        description="Go from an address to an account, mail sent and read, and a refused attack; "
        "all on loopback, with servers that come along.",
    ).parse_args(arguments)
    try:
        asyncio.run(_demo())
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
    except BrokenPipeError:
        # `| head` has seen enough; Python would complain once more at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


async def _demo() -> None:
    async with (
        MailServer({"alice": _PASSWORD}, offer=Offer(mechanisms=_MECHANISMS)) as server,
        NameServer(mail_zone(server)) as names,
    ):
        _say(f"A mail server and a signed DNS for {_ADDRESS} are up on {server.address}.")
        resolver = Resolver([names.address], anchor=names.anchor)
        account = await _discover("1. Find its servers in the DNS, and try them", server, resolver)
        account = await _keep("2. Keep the account on disk, and take it from there", account)
        await _submit("3. Submit a message", account, resolver)
        await _read_imap("4. Read it by IMAP", account, resolver)
        await _read_pop3("5. And by POP3", account, resolver)
        title = "6. Again by IMAP: STARTTLS, a client certificate, and no DNS"
        await _read_imap(title, _by_certificate(server))
    await _refuse_an_attack()


async def _discover(title: str, server: MailServer, resolver: Resolver) -> Account:
    _title(title)
    trust = TrustStore.from_pem(server.ca.pem)
    plan = await discover(_ADDRESS, resolver=resolver, trust=trust)
    _say(str(plan))
    account = plan.account(credentials=Password("alice", _PASSWORD))
    report = await verify_account(account, resolver=resolver)
    _say(str(report))
    if not report.is_ok:
        raise SystemExit("the account does not work")
    return account


async def _keep(title: str, account: Account) -> Account:
    _title(title)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.db"
        async with AccountStore(path) as store:
            await store.add(account)
        async with AccountStore(path) as store:
            (stored,) = await store.list()
        if stored.login is None or _PASSWORD.encode() in path.read_bytes():
            raise SystemExit("the account was not kept as it should be")
        _say(f"{stored.account.address} is in a file of mode {path.stat().st_mode & 0o777:o}")
    _say(f"how it logs in: as {stored.login.username}, by {stored.login.kind.value}")
    _say("the password is not in the file: it would be in the keyring, and is asked for here")
    return replace(stored.account, credentials=Password(stored.login.username, _PASSWORD))


def _by_certificate(server: MailServer) -> Account:
    return Account(
        _ADDRESS,
        imap=server.endpoint(TLSMode.STARTTLS),
        client_certificate=ClientCertificate.from_pem(server.ca.client_pem("alice")),
        trust=TrustStore.from_pem(server.ca.pem),
    )


async def _submit(title: str, account: Account, resolver: Resolver) -> None:
    _title(title)
    async with connect_submission(account, resolver=resolver) as session:
        _explain(session)
        await session.client.submit(_letter())
        _say("the message was accepted")


async def _read_imap(title: str, account: Account, resolver: Resolver | None = None) -> None:
    _title(title)
    async with connect_imap(account, resolver=resolver) as session:
        _explain(session)
        await session.client.select("INBOX")
        answer = await session.client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subject = next(line for line in answer.lines if isinstance(line, bytearray))
        _say(f"the first message: {subject.decode().strip()}")


async def _read_pop3(title: str, account: Account, resolver: Resolver) -> None:
    _title(title)
    async with connect_pop3(account, resolver=resolver) as session:
        _explain(session)
        message = await session.client.retr(1)
        subject = next(line for line in message.splitlines() if line.startswith(b"Subject:"))
        _say(f"the first message: {subject.decode()}")


async def _refuse_an_attack() -> None:
    _title("7. An attacker strips STARTTLS")
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
    if record.resumed:
        _say("  by a TLS session of before, so the certificate did not have to be shown again")
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
