"""The submission dialect of the login dialogue (RFC 5321, RFC 6409, RFC 3207, RFC 4954).

No I/O here.
"""

from __future__ import annotations

import base64
from enum import Enum
from typing import Final

from securemail import limits
from securemail.errors import ProtocolError, UsageError
from securemail.protocol.dialogue import (
    Authenticate,
    CancelExchange,
    Command,
    ConfirmAndAuthenticate,
    Discover,
    EnableUTF8,
    Kind,
    LogIn,
    LogInByDigest,
    Proceed,
    Reply,
    Respond,
    StartTLS,
)
from securemail.wire.buffer import CRLF
from securemail.wire.smtp import Answer, Answering
from securemail.wire.text import decode_base64, parse_capabilities, words

_CLOSING: Final = 421  # RFC 5321 section 3.8: "the server is going away", at any time


class _Asked(Enum):
    """What the next reply answers."""

    NOTHING = "nothing"
    GREETING = "the connection"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"


# What a reply amounts to, by what was asked. 4xx and 5xx mean no to all of them; what is missing
# here is the server's fault.
_KINDS: Final = {
    (_Asked.GREETING, 220): Kind.OK,
    (_Asked.EHLO, 250): Kind.OK,
    (_Asked.STARTTLS, 220): Kind.OK,
    (_Asked.AUTH, 235): Kind.OK,
    (_Asked.AUTH, 334): Kind.CONTINUE,
}


class SubmissionDialect:
    """Writes commands one by one, and reads the reply to each, of however many lines.

    Capabilities are the lines of the reply to EHLO in upper case, parameters included:
    "SIZE 10240000", "AUTH PLAIN LOGIN". HELO is not used: without EHLO there is neither STARTTLS
    nor AUTH. `name` is what EHLO says to a server that met the account's minimum inside TLS; to
    any other a name would be information.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._asked = _Asked.GREETING
        self._answering = Answering()
        self._offer: frozenset[str] | None = None

    def encode(self, command: Command, *, is_open: bool) -> bytes:
        """Return the line for `command`."""
        match command:
            case Discover():
                self._asked = _Asked.EHLO
                name = (self._name if is_open else "") or limits.NEUTRAL_NAME
                return b"EHLO " + name.encode("ascii") + CRLF
            case StartTLS():
                self._asked = _Asked.STARTTLS
                return b"STARTTLS" + CRLF
            case Authenticate(mechanism, initial):
                self._asked = _Asked.AUTH
                line = b"AUTH " + mechanism.encode("ascii")
                if initial is not None:
                    # RFC 4954 section 4: "=" stands for an empty initial response.
                    line += b" " + (base64.b64encode(initial.reveal()) or b"=")
                return line + CRLF
            case Respond(response):
                self._asked = _Asked.AUTH
                return base64.b64encode(response.reveal()) + CRLF
            case CancelExchange():
                self._asked = _Asked.AUTH
                return b"*" + CRLF
            case LogIn() | LogInByDigest() | Proceed():
                raise UsageError("submission has no login command", field=type(command).__name__)
            case EnableUTF8():
                raise UsageError("submission has SMTPUTF8, for each message", field="EnableUTF8")
            case ConfirmAndAuthenticate():
                raise UsageError("EHLO ends a group of commands", field=type(command).__name__)

    def read(self, line: bytes, *, is_secured: bool) -> Reply | None:  # noqa: ARG002 - no matter
        """Take one line; return the reply that it completes, if it does.

        Raises: ProtocolError for a line that is no reply, for a reply that nobody waits for or
        whose codes differ, and for a code that is no answer to what was asked.
        """
        answer = self._answering.take(line)
        if self._asked is _Asked.NOTHING and self._answering.code != _CLOSING:
            raise ProtocolError(f"the server said {words(line)!r} before it was asked anything")
        if answer is None:
            return None
        asked, self._asked = self._asked, _Asked.NOTHING
        return self._reply(asked, answer)

    def _reply(self, asked: _Asked, answer: Answer) -> Reply:
        code, said = answer.code, str(answer)
        if code == _CLOSING or (asked is _Asked.GREETING and code >= 400):
            return Reply(Kind.BYE, words=said)
        kind = Kind.NO if code >= 400 else _KINDS.get((asked, code))
        match kind:
            case None:
                raise ProtocolError(f"{said!r} is no answer to {asked.value}")
            case Kind.CONTINUE:
                return Reply(kind, challenge=_challenge(answer))
            case Kind.OK if asked is _Asked.EHLO:
                self._offer = _capabilities(answer)
        # RFC 4954 section 4: without a security layer, a login leaves what EHLO said as it was.
        is_kept = kind is Kind.OK and asked in (_Asked.EHLO, _Asked.AUTH)
        return Reply(kind, capabilities=self._offer if is_kept else None, words=said)

    def mechanisms(self, capabilities: frozenset[str]) -> frozenset[str]:
        """Return the names behind `AUTH`, or behind the `AUTH=` of servers older than RFC 4954."""
        lines = [line.replace("=", " ", 1).split() for line in capabilities]
        return frozenset(name for line in lines if line[:1] == ["AUTH"] for name in line[1:])

    def has_login_command(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - none
        """Return False: AUTH is all there is."""
        return False

    def login_takes_utf8(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - none
        """Return False: there is no such command."""
        return False

    def offers_utf8(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - none
        """Return False: SMTPUTF8 is said with each message (RFC 6531)."""
        return False

    def may_confirm(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - never
        """Return False: EHLO and AUTH each end a group of commands (RFC 2920 section 3.1)."""
        return False

    def takes_initial_response(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - all do
        """Return True (RFC 4954 section 4)."""
        return True

    def carries_initial_response(self, mechanism: str, size: int) -> bool:
        """Return whether AUTH stays within the 512 octets of a command (RFC 4954 section 4)."""
        encoded = max(1, (size + 2) // 3 * 4)
        return len("AUTH ") + len(mechanism) + 1 + encoded + len(CRLF) <= limits.COMMAND_BYTES

    def forget(self) -> None:
        """Drop what was said before TLS (RFC 3207 section 4.2)."""
        self._offer = None
        self._answering.forget()


def _challenge(answer: Answer) -> bytes:
    if len(answer.lines) != 1:
        raise ProtocolError(f"the server sent a challenge of {len(answer.lines)} lines")
    return decode_base64(answer.lines[0])


def _capabilities(answer: Answer) -> frozenset[str]:
    # The first line has the server's name and its words (RFC 5321 section 4.1.1.1).
    offered = [b" ".join(line.split()) for line in answer.lines[1:]]
    return parse_capabilities([line for line in offered if line])
