"""What is said in cleartext to be believed: data, alerts, referrals, logins, replies too early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from securemail.account import TLSMode
from securemail.errors import ConnectError, ProtocolError, SecureMailError
from securemail.testing.attacks.attack import NOTHING, Attack
from securemail.testing.attacks.dialects import IMAP, POP3, SUBMISSION, Dialect
from securemail.testing.attacks.sources import EAST, PREAUTH, REFERRALS, UNTAGGED
from securemail.testing.steps import Await, Hang, Send, StartTLS, Step

_DATA: Final = {
    "LIST": b'* LIST () "/" evil\r\n',
    "LSUB": b'* LSUB () "/" evil\r\n',
    "STATUS": b"* STATUS INBOX (MESSAGES 9 UIDNEXT 9)\r\n",
    "SEARCH": b"* SEARCH 1 2 3\r\n",
    "FLAGS": b"* FLAGS (\\Flagged)\r\n",
    "EXISTS": b"* 54321 EXISTS\r\n",
    "RECENT": b"* 12345 RECENT\r\n",
    "EXPUNGE": b"* 1 EXPUNGE\r\n",
    "FETCH": b"* 1 FETCH (BODY[] {4}\r\nevil)\r\n",
}

# The first that the server says. All of it is over before the client has said anything.
_FIRST: Final[dict[Dialect, dict[str, tuple[bytes, type[SecureMailError]]]]] = {
    IMAP: {
        "PREAUTH": (b"* PREAUTH in\r\n", ProtocolError),
        "PREAUTH with capabilities": (
            b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] in\r\n",
            ProtocolError,
        ),
        "PREAUTH, and a referral": (
            b"* PREAUTH [REFERRAL imap://evil.example/] in\r\n",
            ProtocolError,
        ),
        "OK, and then PREAUTH": (b"* OK hi\r\n* PREAUTH in\r\n", ProtocolError),
        "BYE": (b"* BYE busy\r\n", ConnectError),
        "BYE with an alert": (b"* BYE [ALERT] call 0900 1234\r\n", ConnectError),
        "NO": (b"* NO hi\r\n", ProtocolError),
        "BAD": (b"* BAD hi\r\n", ProtocolError),
        "a tagged OK": (b"A1 OK hi\r\n", ProtocolError),
        "a tagged OK behind the greeting": (b"* OK hi\r\nA1 OK begin\r\n", ProtocolError),
        "a continuation": (b"+ hi\r\n", ProtocolError),
        "mailbox data": (b"* 3 EXISTS\r\n", ProtocolError),
        "capabilities": (b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", ProtocolError),
        "nonsense, and then a greeting": (b"evil evil\r\n* OK hi\r\n", ProtocolError),
        "an empty line": (b"\r\n", ProtocolError),
    },
    POP3: {
        "-ERR": (b"-ERR too busy\r\n", ConnectError),
        "-ERR with a code": (b"-ERR [SYS/PERM] go away\r\n", ConnectError),
        "-ERR behind the greeting": (b"+OK hi\r\n-ERR go away\r\n", ConnectError),
        "+OK twice": (b"+OK hi\r\n+OK begin\r\n", ProtocolError),
        "capabilities behind the greeting": (
            b"+OK hi\r\n+OK\r\nSASL PLAIN\r\n.\r\n",
            ProtocolError,
        ),
        "a listing behind the greeting": (b"+OK hi\r\n1 100\r\n.\r\n", ProtocolError),
        "a challenge": (b"+ \r\n", ProtocolError),
        "a line without status": (b"hello\r\n", ProtocolError),
        "an empty line": (b"\r\n", ProtocolError),
    },
    SUBMISSION: {
        "235": (b"235 2.7.0 you are in\r\n", ProtocolError),
        "235 behind the greeting": (b"220 hi\r\n235 you are in\r\n", ProtocolError),
        "220 twice": (b"220 hi\r\n220 go ahead\r\n", ProtocolError),
        "capabilities behind the greeting": (
            b"220 hi\r\n250-x\r\n250 AUTH PLAIN\r\n",
            ProtocolError,
        ),
        "221": (b"221 bye\r\n", ProtocolError),
        "250": (b"250 hi\r\n", ProtocolError),
        "334": (b"334 \r\n", ProtocolError),
        "354": (b"354 go on\r\n", ProtocolError),
        "421": (b"421 busy\r\n", ConnectError),
        "500": (b"500 what?\r\n", SecureMailError),
        "554": (b"554 no SMTP here\r\n", ConnectError),
        "lines with different codes": (b"220-hi\r\n250 hi\r\n", ProtocolError),
        "a lone LF": (b"220-hi\n220 hi\r\n", ProtocolError),
        "an empty line": (b"\r\n", ProtocolError),
    },
}


def attacks() -> Iterator[Attack]:
    """Yield all of them."""
    for dialect, greetings in _FIRST.items():
        for what, (data, error) in greetings.items():
            source = PREAUTH if "PREAUTH" in what else EAST
            yield _planted(dialect, f"{what} as the greeting", (Send(data), Hang()), error, source)
    for what, data in _DATA.items():
        yield _in_imap(f"{what} behind the greeting", (Send(IMAP.greeting + data), Hang()))
        yield _in_imap(
            f"{what} before the reply that begins TLS",
            (*IMAP.asked(), Send(data + IMAP.begin), Hang()),
        )
    yield _in_imap(
        "PREAUTH before the reply that begins TLS",
        (*IMAP.asked(), Send(b"* PREAUTH in\r\n" + IMAP.begin), Hang()),
        PREAUTH,
    )
    yield _planted(
        SUBMISSION,
        "the upgrade is agreed to behind the reply to EHLO",
        (
            Send(SUBMISSION.greeting),
            Await(rb"(?i)ehlo .*"),
            Send(b"250-x\r\n250 STARTTLS\r\n220 go ahead\r\n"),
            Hang(),
        ),
    )
    yield from _believed()


def _believed() -> Iterator[Attack]:
    """Yield what is legal to say in cleartext, and must not count inside TLS."""
    said = {
        "capabilities in the greeting": b"* OK [CAPABILITY IMAP4rev1 AUTH=X-EVIL] hi\r\n",
        "an alert in the greeting": b"* OK [ALERT] call 0900 1234\r\n",
        "a referral in the greeting": b"* OK [REFERRAL imap://evil.example/] hi\r\n",
    }
    for what, greeting in said.items():
        yield _login_behind(what, (Send(greeting), *IMAP.asked()[1:], Send(IMAP.begin)))
    replies = {
        "capabilities in the reply that begins TLS": (
            b"{tag} OK [CAPABILITY IMAP4rev1 AUTH=X-EVIL] begin\r\n"
        ),
        "capabilities before the reply that begins TLS": (
            b"* CAPABILITY IMAP4rev1 AUTH=X-EVIL\r\n{tag} OK begin\r\n"
        ),
        "an alert in the reply that begins TLS": b"{tag} OK [ALERT] call 0900 1234\r\n",
        "a referral in the reply that begins TLS": (
            b"{tag} OK [REFERRAL imap://evil.example/] begin\r\n"
        ),
    }
    for what, reply in replies.items():
        yield _login_behind(what, (*IMAP.asked(), Send(reply)))


def _login_behind(name: str, before: tuple[Step, ...]) -> Attack:
    login = (StartTLS(), Await(IMAP.login, IMAP.login_answers), Send(IMAP.welcome))
    return Attack(
        name=f"{name}, and an honest login",
        service=IMAP.service,
        mode=TLSMode.STARTTLS,
        script=(*before, *login, *IMAP.farewell),
        error=None,
        may_leave=IMAP.upgraded,
        source=REFERRALS if "referral" in name else EAST,
    )


def _in_imap(name: str, script: tuple[Step, ...], source: str = UNTAGGED) -> Attack:
    return _planted(IMAP, name, script, ProtocolError, source)


def _planted(
    dialect: Dialect,
    name: str,
    script: tuple[Step, ...],
    error: type[SecureMailError] = ProtocolError,
    source: str = EAST,
) -> Attack:
    is_asked = any(isinstance(step, Await) for step in script)
    return Attack(
        name=name,
        service=dialect.service,
        mode=TLSMode.STARTTLS,
        script=script,
        error=error,
        may_leave=dialect.upgraded if is_asked else NOTHING,
        may_show=NOTHING,
        source=source,
    )
