"""Servers that repeat a secret: logins up to the point where it was sent, and what follows."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from securemail import OAuthToken, Password, Service, TLSMode
from securemail.testing import Await, Close, Hang, Send, Step
from securemail.testing.attacks.dialects import Dialect

CANARY: Final = 'c4nary"Xpass\\w0rd~?>'
TOKEN: Final = "c4naryXt0ken+/abc=="
PASSPHRASE: Final = "c4naryXpassphrase"


async def fetch() -> str:
    return TOKEN


CREDENTIALS: Final[dict[str, tuple[Any, str]]] = {
    "PLAIN": (Password("alice", CANARY), CANARY),
    "CRAM-MD5": (Password("alice", CANARY, mechanisms=["CRAM-MD5"]), CANARY),
    "LOGIN": (Password("alice", CANARY, mechanisms=["LOGIN"]), CANARY),
    "SCRAM-SHA-256": (Password("alice", CANARY, mechanisms=["SCRAM-SHA-256"]), CANARY),
    "OAUTHBEARER": (OAuthToken("alice", fetch), TOKEN),
    "XOAUTH2": (OAuthToken("alice", fetch), TOKEN),
}
REPEATED: Final[dict[str, Callable[[str], bytes]]] = {
    "plain": lambda secret: secret.encode(),
    "base64": lambda secret: base64.b64encode(secret.encode()),
    "a response in base64": lambda secret: base64.b64encode(b"\0alice\0" + secret.encode()),
    "a longer response": lambda secret: base64.b64encode(b"user=al\1auth=" + secret.encode()),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(b"xy" + secret.encode()),
    "quoted": lambda secret: b'"' + secret.replace("\\", r"\\").replace('"', r"\"").encode() + b'"',
    "quoted-printable": lambda secret: quopri.encodestring(secret.encode(), quotetabs=True),
    "as in an address": lambda secret: quote(secret, safe="").encode(),
    "in hexadecimal": lambda secret: secret.encode().hex().encode(),
}
NO: Final = {
    Service.IMAP: b"{tag} NO [AUTHENTICATIONFAILED] %s is wrong\r\n",
    Service.POP3: b"-ERR [AUTH] %s is wrong\r\n",
    Service.SUBMISSION: b"535 5.7.8 %s is wrong\r\n",
}
_BYE: Final = {
    Service.IMAP: b"* BYE %s is wrong\r\n",
    Service.POP3: b"-ERR %s is wrong\r\n",
    Service.SUBMISSION: b"421 %s is wrong\r\n",
}
_CHALLENGE: Final = {
    Service.IMAP: b"+ %s\r\n",
    Service.POP3: b"+ %s\r\n",
    Service.SUBMISSION: b"334 %s\r\n",
}
_OFFER: Final = {
    Service.IMAP: b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=%s\r\n{tag} OK listed\r\n",
    Service.POP3: b"+OK\r\nSASL %s\r\n.\r\n",
    Service.SUBMISSION: b"250-x\r\n250 AUTH %s\r\n",
}
_ASKS: Final = {
    Service.IMAP: rb"\S+ CAPABILITY",
    Service.POP3: b"CAPA",
    Service.SUBMISSION: rb"EHLO .*",
}
# Every form, and every mechanism.
WAYS: Final = [
    *((mechanism, form) for mechanism in ("PLAIN", "OAUTHBEARER") for form in REPEATED),
    *(
        (mechanism, "plain")
        for mechanism in CREDENTIALS
        if mechanism not in {"PLAIN", "OAUTHBEARER"}
    ),
]
LINE: Final = Await(rb".*")


def exchange(dialect: Dialect, mechanism: str) -> tuple[Step, ...]:
    """Return the dialogue up to the point where the secret, or a proof of it, was sent."""
    service = dialect.service
    go_on = Send(_CHALLENGE[service].replace(b"%s", b""))
    opening = (
        *dialect.inside(TLSMode.IMPLICIT),
        Await(_ASKS[service]),
        Send(_OFFER[service].replace(b"%s", mechanism.encode())),
        LINE,
    )
    match mechanism:
        case "LOGIN":
            return (*opening, go_on, LINE, go_on, LINE)
        case "CRAM-MD5":
            return (*opening, Send(_CHALLENGE[service].replace(b"%s", b"PDFAeD4=")), LINE)
        case _:
            return opening


def ends(dialect: Dialect, words: bytes) -> dict[str, tuple[Step, ...]]:
    """Return the ways in which a server may repeat a secret before the login works."""
    service = dialect.service
    return {
        "no": (Send(NO[service].replace(b"%s", words)), Close()),
        "bye": (Send(_BYE[service].replace(b"%s", words)), Close()),
        "nonsense": (Send(words + b"\r\n"), Hang()),
        "a challenge": (Send(_CHALLENGE[service].replace(b"%s", words)), Close()),
        "the end": (Close(),),
    }
