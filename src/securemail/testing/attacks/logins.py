"""Inside good TLS, on the way to the login: a server that is broken, or that was broken into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import (
    AuthenticationError,
    ConnectError,
    LimitExceeded,
    ProtocolError,
    SecureMailError,
    TLSError,
)
from securemail.testing.attacks.attack import Attack
from securemail.testing.attacks.certificates import asking_late
from securemail.testing.attacks.dialects import (
    DIALECTS,
    IMAP,
    MODES,
    POP3,
    SUBMISSION,
    Answers,
    Dialect,
)
from securemail.testing.attacks.sources import EAST, SASL, TRUNCATION
from securemail.testing.steps import (
    Await,
    Close,
    CloseWithoutAlert,
    Hang,
    Repeat,
    Reset,
    Send,
    SendRaw,
    Step,
)

_CAPABILITY: Final = rb"\S+ CAPABILITY"
_CAPA: Final = rb"CAPA"
_EHLO: Final = rb"(?i)ehlo .*"
_ASKS: Final = {IMAP: _CAPABILITY, POP3: _CAPA, SUBMISSION: _EHLO}

# Instead of a list of capabilities.
_ENDS: Final[dict[str, tuple[tuple[Step, ...], type[SecureMailError]]]] = {
    "TLS ends": ((Close(),), ConnectError),
    "the line ends without an alert": ((CloseWithoutAlert(),), ConnectError),
    "the line is reset": ((Reset(),), ConnectError),
    "cleartext stands between the records": ((SendRaw(b"* OK clear\r\n"), Hang()), TLSError),
    "a record is forged": ((SendRaw(b"\x17\x03\x03\x00\x20" + bytes(32)), Hang()), TLSError),
    "a line has no end": ((Repeat(b"2" * 1000, 100_000),), LimitExceeded),
    "a line is not text": ((Send(b"\xff\xfe\x00\r\n"), Hang()), ProtocolError),
}

_LISTS: Final[dict[Dialect, dict[str, tuple[tuple[Step, ...], type[SecureMailError]]]]] = {
    IMAP: {
        "LOGINDISABLED": (
            (Send(b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK listed\r\n"), Hang()),
            AuthenticationError,
        ),
        "mechanisms that nobody knows": (
            (Send(b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=X-EVIL\r\n{tag} OK x\r\n"), Hang()),
            AuthenticationError,
        ),
        "a refusal": ((Send(b"{tag} NO no\r\n"), Hang()), SecureMailError),
        "somebody else's tag": ((Send(b"XX1 OK listed\r\n"), Hang()), ProtocolError),
        "a continuation": ((Send(b"+ go on\r\n"), Hang()), ProtocolError),
        "BYE": ((Send(b"* BYE down\r\n"), Close()), ConnectError),
        "a literal of 4 GB": ((Send(b"* LIST () NIL {4294967296}\r\n"), Hang()), LimitExceeded),
        "a literal of a negative size": (
            (Send(b"* LIST () NIL {-1}\r\n{tag} XX x\r\n"), Hang()),
            ProtocolError,
        ),
        "100,000 lines": ((Repeat(b"* OK x\r\n", 100_000),), LimitExceeded),
        "100,000 capabilities": (
            (Repeat(b"* CAPABILITY " + b"X " * 900 + b"\r\n", 120),),
            LimitExceeded,
        ),
    },
    POP3: {
        "no way to log in": ((Send(b"+OK\r\nTOP\r\n.\r\n"), Hang()), AuthenticationError),
        "mechanisms that nobody knows": (
            (Send(b"+OK\r\nSASL X-EVIL\r\n.\r\n"), Hang()),
            AuthenticationError,
        ),
        "a challenge": ((Send(b"+ \r\n"), Hang()), ProtocolError),
        "a capability that cannot be printed": (
            (Send(b"+OK\r\nX\x1b[2J\r\n.\r\n"), Hang()),
            ProtocolError,
        ),
        "a list without end": (
            (Send(b"+OK\r\n"), Repeat(b"X\r\n", 100_000)),
            LimitExceeded,
        ),
        "a capability without end": (
            (Send(b"+OK\r\n"), Repeat(b"X" * 1000, 10_000)),
            LimitExceeded,
        ),
        "a reply to the login before the login": (
            (Send(b"+OK\r\nSASL PLAIN\r\n.\r\n+OK in\r\n"), Hang()),
            ProtocolError,
        ),
    },
    SUBMISSION: {
        "no login": ((Send(b"250-x\r\n250 SIZE 1\r\n"), Hang()), AuthenticationError),
        "mechanisms that nobody knows": (
            (Send(b"250-x\r\n250 AUTH X-EVIL\r\n"), Hang()),
            AuthenticationError,
        ),
        "a refusal": ((Send(b"502 HELO only\r\n"), Hang()), ProtocolError),
        "a challenge": ((Send(b"334 \r\n"), Hang()), ProtocolError),
        "421": ((Send(b"421 down\r\n"), Close()), ConnectError),
        "codes that differ": ((Send(b"250-x\r\n235 in\r\n"), Hang()), ProtocolError),
        "a list without end": ((Repeat(b"250-X-MORE\r\n", 100_000),), LimitExceeded),
        "a reply to the login before the login": (
            (Send(b"250-x\r\n250 AUTH PLAIN\r\n235 in\r\n"), Hang()),
            ProtocolError,
        ),
    },
}

# Instead of what a login is answered with.
_VERDICTS: Final[dict[Dialect, dict[str, tuple[tuple[Step, ...], type[SecureMailError]]]]] = {
    IMAP: {
        "a challenge that is not base64": ((Send(b"+ !!\r\n"), Hang()), ProtocolError),
        "a challenge that is too long": ((Repeat(b"+ " + b"A" * 30_000, 2),), LimitExceeded),
        "challenges without end": ((Repeat(b"+ \r\n", 100_000),), SecureMailError),
        "somebody else's tag": ((Send(b"XX OK in\r\n"), Hang()), ProtocolError),
        "a tag and a word that is no status": ((Send(b"{tag} YES\r\n"), Hang()), ProtocolError),
        "PREAUTH": ((Send(b"* PREAUTH in\r\n"), Hang()), ProtocolError),
        "lines without end": ((Repeat(b"* OK x\r\n", 100_000),), LimitExceeded),
        "BYE": ((Send(b"* BYE down\r\n"), Close()), ConnectError),
        "NO, and a referral": (
            (Send(b"{tag} NO [REFERRAL imap://alice;AUTH=*@evil.example/] moved\r\n"), Hang()),
            AuthenticationError,
        ),
        "a second reply": ((Send(IMAP.welcome + b"{tag} OK again\r\n"), Hang()), ProtocolError),
    },
    POP3: {
        "a challenge that is not base64": ((Send(b"+ !!\r\n"), Hang()), ProtocolError),
        "a challenge that is too long": ((Repeat(b"+ " + b"A" * 30_000, 2),), LimitExceeded),
        "challenges without end": ((Repeat(b"+ \r\n", 100_000),), SecureMailError),
        "a second reply": ((Send(POP3.welcome + b"+OK 1 2\r\n"), Hang()), ProtocolError),
        "a line without status": ((Send(b"in\r\n"), Hang()), ProtocolError),
        "-ERR with advice": ((Send(b"-ERR [AUTH] use USER\r\n"), Hang()), AuthenticationError),
    },
    SUBMISSION: {
        "a challenge that is not base64": ((Send(b"334 !!\r\n"), Hang()), ProtocolError),
        "a challenge that is too long": ((Repeat(b"334 " + b"A" * 30_000, 2),), LimitExceeded),
        "challenges without end": ((Repeat(b"334 \r\n", 100_000),), SecureMailError),
        "a second reply": ((Send(SUBMISSION.welcome + b"250 ok\r\n"), Hang()), ProtocolError),
        "250": ((Send(b"250 in\r\n"), Hang()), SecureMailError),
        "354": ((Send(b"354 go on\r\n"), Hang()), SecureMailError),
        "421": ((Send(b"421 down\r\n"), Close()), ConnectError),
        "lines without end": ((Repeat(b"235-in\r\n", 100_000),), LimitExceeded),
    },
}


def attacks() -> Iterator[Attack]:
    """Yield all of them, for each protocol and both modes."""
    for dialect in DIALECTS:
        for mode in MODES:
            for what, (steps, error) in (_ENDS | _LISTS[dialect]).items():
                script = (*dialect.inside(mode), Await(_ASKS[dialect]), *steps)
                name = f"{what}, instead of capabilities"
                yield _inside(dialect, mode, name, script, error, dialect.discovery)
            for what, (steps, error) in _VERDICTS[dialect].items():
                script = (*dialect.logging_in(mode), *steps)
                yield _inside(dialect, mode, f"{what}, instead of a welcome", script, error)
            yield _offered_again(dialect, mode)
            yield _asked_late(dialect, mode)


_AGAIN: Final[dict[Dialect, Answers]] = {
    IMAP: (
        (
            _CAPABILITY,
            b"* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN\r\n{tag} OK listed\r\n",
        ),
    ),
    POP3: ((_CAPA, b"+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\n.\r\n"),),
    SUBMISSION: ((_EHLO, b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"),),
}


def _offered_again(dialect: Dialect, mode: TLSMode) -> Attack:
    answers = (*_AGAIN[dialect], *dialect.login_answers)
    script = (*dialect.logging_in(mode, answers), Send(dialect.welcome), *dialect.farewell)
    name = "the upgrade is offered inside TLS, and an honest login"
    return _inside(dialect, mode, name, script, None)


def _asked_late(dialect: Dialect, mode: TLSMode) -> Attack:
    """Ask in the handshake, and be ready to ask behind it (RFC 8446 section 4.6.2)."""
    return Attack(
        name="a client certificate is asked for that the account has not, and an honest login",
        service=dialect.service,
        mode=mode,
        script=(*dialect.logged_in(mode), *dialect.farewell),
        error=None,
        may_leave=dialect.may_leave(mode),
        server=asking_late,
        source="RFC 8446 section 4.6.2",
    )


def _inside(
    dialect: Dialect,
    mode: TLSMode,
    name: str,
    script: tuple[Step, ...],
    error: type[SecureMailError] | None,
    may_show: bytes | None = None,
) -> Attack:
    ends = any(isinstance(step, CloseWithoutAlert | Reset) for step in script)
    sasl = "challenge" in name
    return Attack(
        name=name,
        service=dialect.service,
        mode=mode,
        script=script,
        error=error,
        may_leave=dialect.may_leave(mode),
        may_show=may_show,
        source=TRUNCATION if ends else SASL if sasl else EAST,
    )
