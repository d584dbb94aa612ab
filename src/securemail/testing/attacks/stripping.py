"""The upgrade is refused, or not offered: whoever goes on in cleartext has lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import ConnectError, PolicyError, ProtocolError, SecureMailError
from securemail.testing.attacks.attack import NOTHING, Attack
from securemail.testing.attacks.dialects import IMAP, POP3, SUBMISSION, Answers, Dialect
from securemail.testing.attacks.sources import EAST, STRIPPING
from securemail.testing.steps import Await, Hang, Send

_UNOFFERED: Final[dict[Dialect, Answers]] = {
    IMAP: ((rb"\S+ CAPABILITY", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK listed\r\n"),),
    POP3: ((rb"CAPA", b"+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"),),
    SUBMISSION: ((rb"(?i)ehlo .*", b"250-x\r\n250 AUTH PLAIN LOGIN\r\n"),),
}

# The reply to the command that begins TLS, and what securemail raises then.
_REPLIES: Final[dict[Dialect, dict[str, tuple[bytes, type[SecureMailError]]]]] = {
    IMAP: {
        "NO": (b"{tag} NO not today\r\n", PolicyError),
        "BAD": (b"{tag} BAD what?\r\n", PolicyError),
        "NO, and an alert that tells to go on without": (
            b"{tag} NO [ALERT] Switch TLS off to go on\r\n",
            PolicyError,
        ),
        "NO, and a referral to another server": (
            b"{tag} NO [REFERRAL imap://alice;AUTH=*@evil.example/] moved\r\n",
            PolicyError,
        ),
        "an untagged NO, and then the tagged one": (
            b"* NO TLS is broken\r\n{tag} NO no\r\n",
            PolicyError,
        ),
        "a continuation": (b"+ go on\r\n", ProtocolError),
        "a tag and nothing": (b"{tag}\r\n", ProtocolError),
        "a word that is no status": (b"{tag} YES begin\r\n", ProtocolError),
        "OK to somebody else's tag": (b"XX1 OK begin\r\n", ProtocolError),
        "an untagged OK only": (b"* OK begin\r\n* BYE\r\n", ConnectError),
        "BYE": (b"* BYE shutting down\r\n", ConnectError),
        "an empty line": (b"\r\n", ProtocolError),
    },
    POP3: {
        "-ERR": (b"-ERR unknown command\r\n", PolicyError),
        "-ERR for ever": (b"-ERR [SYS/PERM] no TLS\r\n", PolicyError),
        "-ERR for now": (b"-ERR [SYS/TEMP] try again\r\n", PolicyError),
        "-ERR, and advice to go on without": (
            b"-ERR [AUTH] switch TLS off to go on\r\n",
            PolicyError,
        ),
        "a challenge": (b"+ \r\n", ProtocolError),
        "a list of capabilities": (b"SASL PLAIN\r\n.\r\n", ProtocolError),
        "a status in small letters": (b"+ok begin\r\n", ProtocolError),
        "a word that begins like +OK": (b"+OKAY begin\r\n", ProtocolError),
        "an empty line": (b"\r\n", ProtocolError),
        "a lone CR": (b"+OK begin\r+OK\r\n", ProtocolError),
    },
    SUBMISSION: {
        "454": (b"454 4.7.0 TLS not available\r\n", PolicyError),
        "500": (b"500 5.5.2 what?\r\n", PolicyError),
        "501": (b"501 5.5.4 no arguments\r\n", PolicyError),
        "502": (b"502 5.5.1 not implemented\r\n", PolicyError),
        "503": (b"503 5.5.1 not now\r\n", PolicyError),
        "530": (b"530 5.7.0 log in first\r\n", PolicyError),
        "554": (b"554 5.7.0 no\r\n", PolicyError),
        "554 over several lines": (b"554-no\r\n554 never\r\n", PolicyError),
        "250": (b"250 go ahead\r\n", ProtocolError),
        "221": (b"221 bye\r\n", ProtocolError),
        "235": (b"235 you are in\r\n", ProtocolError),
        "334": (b"334 UGFzc3dvcmQ6\r\n", ProtocolError),
        "354": (b"354 go on\r\n", ProtocolError),
        "421": (b"421 4.3.2 shutting down\r\n", ConnectError),
        "a code that is none": (b"2200 go ahead\r\n", ProtocolError),
        "an empty line": (b"\r\n", ProtocolError),
    },
}

_EHLO: Final = rb"(?i)ehlo .*"
# Replies to EHLO that keep a client from the upgrade; an old one falls back to HELO and goes on.
_NO_EHLO: Final[dict[str, tuple[bytes, type[SecureMailError]]]] = {
    "220": (b"220 go ahead\r\n", ProtocolError),
    "221": (b"221 bye\r\n", ProtocolError),
    "354": (b"354 go on\r\n", ProtocolError),
    "421": (b"421 4.3.2 shutting down\r\n", ConnectError),
    "500": (b"500 5.5.2 what?\r\n", ProtocolError),
    "502": (b"502 5.5.1 HELO only\r\n", ProtocolError),
    "504": (b"504 5.5.4 not that name\r\n", ProtocolError),
    "550": (b"550 5.7.1 go away\r\n", ProtocolError),
}


def attacks() -> Iterator[Attack]:
    """Yield all of them; only STARTTLS can be stripped."""
    for dialect, replies in _REPLIES.items():
        for reply, (data, error) in replies.items():
            yield _refused(dialect, f"the upgrade is answered with {reply}", data, error)
        yield _refused(
            dialect,
            "the upgrade is not offered, a login is, and the command refused",
            dialect.refusal,
            PolicyError,
            _UNOFFERED[dialect],
        )
    yield _refused(
        POP3,
        "CAPA is refused like STLS",
        POP3.refusal,
        PolicyError,
        ((rb"CAPA", POP3.refusal),),
    )
    yield _refused(
        SUBMISSION,
        "the offer is written over with X",
        b"500 what?\r\n",
        PolicyError,
        ((_EHLO, b"250-x\r\n250-XXXXXXXA\r\n250 AUTH PLAIN\r\n"),),
    )
    for code, (data, error) in _NO_EHLO.items():
        yield Attack(
            name=f"EHLO is answered with {code}",
            service=SUBMISSION.service,
            mode=TLSMode.STARTTLS,
            script=(Send(SUBMISSION.greeting), Await(_EHLO), Send(data), Hang()),
            error=error,
            may_leave=SUBMISSION.looked,
            may_show=NOTHING,
            source=EAST,
        )


def _refused(
    dialect: Dialect,
    name: str,
    reply: bytes,
    error: type[SecureMailError],
    answers: Answers | None = None,
) -> Attack:
    return Attack(
        name=name,
        service=dialect.service,
        mode=TLSMode.STARTTLS,
        # What it says next is for the record.
        script=(*dialect.asked(answers), Send(reply), Hang()),
        error=error,
        may_leave=dialect.upgraded,
        may_show=NOTHING,
        source=STRIPPING,
    )
