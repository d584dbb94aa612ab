"""How a server of each protocol gets to the places where an attack begins. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from securemail.account import TLSMode
from securemail.service import Service
from securemail.testing.steps import Await, Hang, Send, StartTLS, Step

Answers = tuple[tuple[bytes, bytes], ...]

# Longer than any command's name.
_B64: Final = rb"[A-Za-z0-9+/]{12,}=*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The words of one protocol. `{tag}` is IMAP's tag.

    `answers` are what an honest server says in cleartext to a client that asks before it upgrades;
    what it does not know it refuses. `looked` and `upgraded` are all that securemail says up to
    the greeting's answer, and up to the command that begins TLS; `discovery` the same inside TLS.
    """

    service: Service
    greeting: bytes
    starttls: bytes
    begin: bytes
    refusal: bytes
    ok: bytes
    answers: Answers
    login: bytes
    login_answers: Answers
    welcome: bytes
    farewell: tuple[Step, ...]
    full_login: bytes
    looked: bytes
    upgraded: bytes
    discovery: bytes

    def asked(self, answers: Answers | None = None) -> tuple[Step, ...]:
        """Return the dialogue up to the command that begins TLS."""
        before = self.answers if answers is None else answers
        meanwhile = (*before, (rb".*", self.refusal))
        return (Send(self.greeting), Await(self.starttls, meanwhile))

    def begun(self, mode: TLSMode) -> tuple[Step, ...]:
        """Return the dialogue up to the ClientHello."""
        return () if mode is TLSMode.IMPLICIT else (*self.asked(), Send(self.begin))

    def inside(self, mode: TLSMode) -> tuple[Step, ...]:
        """Return the dialogue up to the end of the handshake, and the greeting in it."""
        greets = mode is TLSMode.IMPLICIT
        greeting: tuple[Step, ...] = (Send(self.greeting),) if greets else ()
        return (*self.begun(mode), StartTLS(), *greeting)

    def may_leave(self, mode: TLSMode) -> bytes:
        """Return the pattern of what may leave in cleartext."""
        return b"" if mode is TLSMode.IMPLICIT else self.upgraded

    def logging_in(self, mode: TLSMode, answers: Answers | None = None) -> tuple[Step, ...]:
        """Return the dialogue up to the credentials."""
        before = self.login_answers if answers is None else answers
        return (*self.inside(mode), Await(self.login, before))

    def logged_in(self, mode: TLSMode) -> tuple[Step, ...]:
        """Return the dialogue up to the end of the login."""
        return (*self.logging_in(mode), Send(self.welcome))


IMAP: Final = Dialect(
    service=Service.IMAP,
    greeting=b"* OK hi\r\n",
    starttls=rb"\S+ STARTTLS",
    begin=b"{tag} OK begin\r\n",
    refusal=b"{tag} BAD what?\r\n",
    ok=b"* OK still in the clear\r\n",
    answers=(
        (
            rb"\S+ CAPABILITY",
            b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n{tag} OK listed\r\n",
        ),
    ),
    login=rb"\S+ AUTHENTICATE PLAIN \S+|\S+ LOGIN .*|" + _B64,
    login_answers=(
        (
            rb"\S+ CAPABILITY",
            b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n{tag} OK listed\r\n",
        ),
        (rb"\S+ AUTHENTICATE PLAIN", b"+ \r\n"),
        (rb"\S+ (?:ID|NOOP|NAMESPACE|ENABLE).*", b"{tag} BAD what?\r\n"),
    ),
    welcome=b"{tag} OK [CAPABILITY IMAP4rev1 IDLE] welcome\r\n",
    farewell=(Await(rb"\S+ LOGOUT"), Send(b"* BYE bye\r\n{tag} OK bye\r\n"), Hang()),
    full_login=(
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n"
        b"{tag} OK listed\r\n{tag} OK logged in\r\n* LIST () NIL evil\r\n"
    ),
    looked=rb"",
    upgraded=rb"(?:[0-9A-F]{8}1 STARTTLS\r\n)?",
    discovery=rb"(?:[0-9A-F]{8}\d CAPABILITY\r\n)?",
)

POP3: Final = Dialect(
    service=Service.POP3,
    greeting=b"+OK ready\r\n",
    starttls=rb"STLS",
    begin=b"+OK begin\r\n",
    refusal=b"-ERR what?\r\n",
    ok=b"+OK still in the clear\r\n",
    answers=((rb"CAPA", b"+OK\r\nSTLS\r\nUIDL\r\n.\r\n"),),
    login=rb"AUTH PLAIN \S+|PASS .*|" + _B64,
    login_answers=(
        (rb"CAPA", b"+OK\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN\r\n.\r\n"),
        (rb"AUTH PLAIN", b"+ \r\n"),
        (rb"USER .*", b"+OK go on\r\n"),
    ),
    welcome=b"+OK logged in\r\n",
    farewell=(Hang(),),
    full_login=b"+OK\r\nSASL PLAIN\r\n.\r\n+OK logged in\r\n+OK 1 9\r\n",
    looked=rb"",
    upgraded=rb"(?:STLS\r\n)?",
    discovery=rb"(?:CAPA\r\n)?",
)

SUBMISSION: Final = Dialect(
    service=Service.SUBMISSION,
    greeting=b"220 mail.example.org ESMTP\r\n",
    starttls=rb"STARTTLS",
    begin=b"220 2.0.0 go ahead\r\n",
    refusal=b"502 5.5.1 what?\r\n",
    ok=b"250 still in the clear\r\n",
    answers=((rb"(?i)ehlo .*", b"250-mail.example.org\r\n250 STARTTLS\r\n"),),
    login=rb"AUTH PLAIN \S+|" + _B64,
    login_answers=(
        (rb"(?i)ehlo .*", b"250-mail.example.org\r\n250-SIZE 100000\r\n250 AUTH PLAIN\r\n"),
        (rb"AUTH PLAIN", b"334 \r\n"),
    ),
    welcome=b"235 2.7.0 welcome\r\n",
    farewell=(Await(rb"(?i)quit"), Send(b"221 2.0.0 bye\r\n"), Hang()),
    full_login=(
        b"250-x\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"
    ),
    looked=rb"(?:EHLO \[127\.0\.0\.1\]\r\n)?",
    upgraded=rb"(?:EHLO \[127\.0\.0\.1\]\r\n(?:STARTTLS\r\n)?)?",
    discovery=rb"(?:EHLO \S+\r\n)?",
)

DIALECTS: Final = (IMAP, POP3, SUBMISSION)
MODES: Final = (TLSMode.IMPLICIT, TLSMode.STARTTLS)
