"""Behind the login: a server that answers what nobody asked, too much, or not to its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import (
    ConnectError,
    LimitExceeded,
    ProtocolError,
    SecureMailError,
    SubmissionError,
    TLSError,
    UnknownOutcome,
)
from securemail.testing.attacks.attack import Attack, Use
from securemail.testing.attacks.dialects import IMAP, POP3, SUBMISSION, Dialect
from securemail.testing.attacks.sources import TRUNCATION
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

Row = tuple[tuple[Step, ...], type[SecureMailError]]

_COMMANDS: Final[dict[Use, tuple[Dialect, bytes]]] = {
    Use.SELECT: (IMAP, rb"\S+ SELECT \S+"),
    Use.FETCH: (IMAP, rb"\S+ FETCH .*"),
    Use.STAT: (POP3, rb"STAT"),
    Use.RETR: (POP3, rb"RETR 1"),
    Use.SUBMIT: (SUBMISSION, rb"(?i)mail from:.*"),
}

_SELECTED: Final = b"* 1 EXISTS\r\n{tag} OK [READ-WRITE] done\r\n"
_MEANWHILE: Final = {Use.FETCH: ((rb"\S+ SELECT \S+", _SELECTED),)}

# Instead of an answer, whatever the command was.
_ENDS: Final[dict[str, Row]] = {
    "TLS ends": ((Close(),), ConnectError),
    "the line ends without an alert": ((CloseWithoutAlert(),), ConnectError),
    "the line is reset": ((Reset(),), ConnectError),
    "cleartext stands between the records": ((SendRaw(b"+OK clear\r\n"), Hang()), TLSError),
    "a line without end": ((Repeat(b"x" * 100_000, 10_000), Hang()), LimitExceeded),
    "nonsense": ((Send(b"evil evil\r\n"), Hang()), ProtocolError),
    "NULs": ((Send(b"\0\0\0\0\r\n"), Hang()), ProtocolError),
}
_MAIL: Final = (Send(b"250 ok\r\n"), Await(rb"(?i)rcpt to:.*"))
_DATA: Final = (*_MAIL, Send(b"250 ok\r\n"), Await(rb"(?i)data"), Send(b"354 go on\r\n"))
_SENT: Final = (*_DATA, Await(rb"\.", ((rb".*", b""),)))

_ANSWERS: Final[dict[Use, dict[str, Row]]] = {
    Use.SELECT: {
        "BYE": ((Send(b"* BYE down\r\n"), Close()), ConnectError),
        "BYE in the middle of the answer": (
            (Send(b"* 3 EXISTS\r\n* BYE down\r\n"), Close()),
            ConnectError,
        ),
        "OK to a command that was never sent": ((Send(b"XX9 OK done\r\n"), Hang()), ProtocolError),
        "a continuation": ((Send(b"+ go on\r\n"), Hang()), ProtocolError),
        "a status that is none": ((Send(b"{tag} YES\r\n"), Hang()), ProtocolError),
    },
    Use.FETCH: {
        "a literal of 4 GB": (
            (Send(b"* 1 FETCH (BODY[] {4294967296}\r\n"), Hang()),
            LimitExceeded,
        ),
        "a literal of twenty digits": (
            (Send(b"* 1 FETCH (BODY[] {99999999999999999999}\r\n"), Hang()),
            LimitExceeded,
        ),
        "a literal that is cut off": (
            (Send(b"* 1 FETCH (BODY[] {9}\r\nabc"), Close()),
            ConnectError,
        ),
        "a literal that is cut off without an alert": (
            (Send(b"* 1 FETCH (BODY[] {9}\r\nabc"), CloseWithoutAlert()),
            ConnectError,
        ),
        "an answer for somebody else": (
            (Send(b"* 1 FETCH (FLAGS ())\r\nXX9 OK done\r\n"), Hang()),
            ProtocolError,
        ),
    },
    Use.STAT: {
        "a challenge": ((Send(b"+ \r\n"), Hang()), ProtocolError),
        "no numbers": ((Send(b"+OK many\r\n"), Hang()), ProtocolError),
        "a negative number": ((Send(b"+OK -1 9\r\n"), Hang()), ProtocolError),
        "a number of 5,000 digits": (
            (Send(b"+OK %s 9\r\n" % (b"9" * 5000)), Hang()),
            ProtocolError,
        ),
        "a reply that is cut off": ((Send(b"+OK 1 1"), Close()), ConnectError),
        "a status in small letters": ((Send(b"+ok 1 9\r\n"), Hang()), ProtocolError),
    },
    Use.RETR: {
        "a message that is cut off": (
            (Send(b"+OK\r\nSubject: half\r\n"), Close()),
            ConnectError,
        ),
        "a message that is cut off without an alert": (
            (Send(b"+OK\r\nSubject: half\r\n"), CloseWithoutAlert()),
            ConnectError,
        ),
        "a message that is reset": (
            (Send(b"+OK\r\nSubject: half\r\n"), Reset()),
            ConnectError,
        ),
    },
    Use.SUBMIT: {
        "a refusal for good": (
            (Send(b"550 no\r\n"), Await(rb"(?i)rset"), Send(b"250 ok\r\n"), *SUBMISSION.farewell),
            SubmissionError,
        ),
        "goodbye": ((Send(b"421 down\r\n"), Close()), SecureMailError),
        "354 too early": ((Send(b"354 go on\r\n"), Hang()), SecureMailError),
        "codes that differ": ((Send(b"250-a\r\n251 b\r\n"), Hang()), ProtocolError),
        "a reply without end": ((Repeat(b"250-x\r\n", 100_000), Hang()), LimitExceeded),
        "all replies at once": (
            (Send(b"250 ok\r\n250 ok\r\n354 go on\r\n250 queued\r\n"), Hang()),
            ProtocolError,
        ),
        "250 to DATA, where 354 belongs": (
            (*_MAIL, Send(b"250 ok\r\n"), Await(rb"(?i)data"), Send(b"250 queued\r\n"), Hang()),
            SecureMailError,
        ),
        "the line ends behind the message": ((*_SENT, Close()), UnknownOutcome),
        "nonsense behind the message": ((*_SENT, Send(b"evil\r\n"), Hang()), UnknownOutcome),
    },
}


def attacks() -> Iterator[Attack]:
    """Yield all of them, on implicit TLS: behind the login there is no difference."""
    for use, (dialect, command) in _COMMANDS.items():
        common = _ENDS if use in {Use.SELECT, Use.STAT, Use.SUBMIT} else {}
        asked = (*dialect.logged_in(TLSMode.IMPLICIT), Await(command, _MEANWHILE.get(use, ())))
        for name, (steps, error) in (common | _ANSWERS[use]).items():
            yield Attack(
                name=f"{name}, instead of the answer to {use.name}",
                service=dialect.service,
                mode=TLSMode.IMPLICIT,
                script=(*asked, *steps),
                error=error,
                use=use,
                source=TRUNCATION if "without an alert" in name else "",
            )
