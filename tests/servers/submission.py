"""Accounts and letters for the tests of submission to real servers."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from securemail import (
    Account,
    Endpoint,
    Password,
    TLSMode,
    TrustStore,
)
from tests.servers.postfix import PostfixWorld


def endpoint(world: PostfixWorld, server: str, tls: TLSMode) -> Endpoint:
    home: Any = world if server == "postfix" else world.dovecot
    port = home.submissions_port if tls is TLSMode.IMPLICIT else home.submission_port
    return Endpoint(world.host, port, tls, addresses=[world.address])


def _pop3_port(world: PostfixWorld, tls: TLSMode) -> int:
    return world.dovecot.pop3s_port if tls is TLSMode.IMPLICIT else world.dovecot.pop3_port


def account(world: PostfixWorld, server: str, tls: TLSMode, **fields: Any) -> Account:
    fields.setdefault("credentials", Password("alice", world.dovecot.passwords["alice"]))
    return Account(
        "alice@example.test",
        imap=Endpoint(
            world.host, world.dovecot.imaps_port, TLSMode.IMPLICIT, addresses=[world.address]
        ),
        pop3=Endpoint(world.host, _pop3_port(world, tls), tls, addresses=[world.address]),
        submission=endpoint(world, server, tls),
        trust=TrustStore.from_pem(world.dovecot.ca_pem),
        **fields,
    )


def letter(subject: str, text: str = "Hello.\n", **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Alice <alice@example.test>"
    message["To"] = "bob@example.test"
    message["Subject"] = subject
    for name, value in fields.items():
        message[name] = value
    message.set_content(text)
    return message
