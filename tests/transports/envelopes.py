"""Messages and their envelopes, for the tests of both."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from securemail import DSN, SubmissionError
from securemail.transports.envelope import Abilities, Envelope, Wish, envelope

ALL = frozenset({"SIZE 100000", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"})
HEAD = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: x\r\n\r\n"


def letter(text: str = "Hello.", **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "alice@example.org"
    message["To"] = "bob@example.org"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def made(
    message: EmailMessage | bytes,
    *,
    has: frozenset[str] = ALL,
    is_encrypted: bool = True,
    sender: str | None = None,
    recipients: Any = None,
    require_tls: bool = False,
    dsn: DSN | None = None,
) -> Envelope:
    wish = Wish(sender, recipients, require_tls, dsn)
    lines = (line.lower().partition(" ") for line in has)
    extensions = {name: value for name, _, value in lines}
    return envelope(message, wish, Abilities(extensions, is_encrypted))


def sent(message: EmailMessage | bytes, **options: Any) -> bytes:
    return b"".join(made(message, **options).message.pieces())


def missing(message: EmailMessage | bytes, **options: Any) -> str:
    with pytest.raises(SubmissionError) as caught:
        made(message, **options)
    assert caught.value.step == "extension"
    assert not caught.value.is_temporary
    return caught.value.missing
