"""The POP3 dialect of the login dialogue (RFC 1939, 2449, 2595, 5034, 6856). No I/O here."""

from __future__ import annotations

import base64
from enum import Enum
from typing import Final

from securemail import limits
from securemail.errors import ProtocolError
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
from securemail.secret import SecretBytes
from securemail.wire.buffer import CRLF
from securemail.wire.pop3 import (
    TERMINATOR,
    Continuation,
    Status,
    arguments,
    parse_capa,
    parse_reply,
    timestamp,
    unstuffed,
)
from securemail.wire.text import decode_base64


class _Awaiting(Enum):
    """What the next line answers."""

    GREETING = "greeting"
    NOTHING = "nothing"
    CAPA = "CAPA"
    STLS = "STLS"
    UTF8 = "UTF8"
    AUTH = "AUTH"
    USER = "USER"
    PASS = "PASS"  # noqa: S105 - a command
    APOP = "APOP"


_BARE: Final[dict[type[Command], tuple[_Awaiting, bytes]]] = {
    Discover: (_Awaiting.CAPA, b"CAPA"),
    StartTLS: (_Awaiting.STLS, b"STLS"),
    EnableUTF8: (_Awaiting.UTF8, b"UTF8"),
}
_LOGINS: Final = frozenset({_Awaiting.AUTH, _Awaiting.PASS, _Awaiting.APOP})


class POP3Dialect:
    """Writes POP3's commands and reads what answers them.

    Replies have no tags: one that comes before its command cannot be told from its answer, unless
    it is known that none is awaited. So it is known.
    """

    def __init__(self) -> None:
        self._awaiting = _Awaiting.GREETING
        self._next = _Awaiting.NOTHING
        self._listing: list[bytes] | None = None
        self._capabilities: frozenset[str] | None = None
        self._password = SecretBytes(b"")

    def encode(self, command: Command, *, is_open: bool) -> bytes:
        """Return the line for `command`."""
        match command:
            case Discover() | StartTLS() | EnableUTF8():
                return self._line(*_BARE[type(command)])
            case Authenticate(mechanism, initial):
                return self._authenticate(mechanism, initial)
            case ConfirmAndAuthenticate(authenticate):
                line = self.encode(authenticate, is_open=is_open)
                capa = self.encode(Discover(), is_open=is_open)
                self._next = _Awaiting.AUTH
                return capa + line
            case Respond(response):
                return self._line(_Awaiting.AUTH, base64.b64encode(response.reveal()))
            case CancelExchange():
                return self._line(_Awaiting.AUTH, b"*")
            case LogIn(username, password):
                self._password = SecretBytes(password.reveal().encode())
                return self._line(_Awaiting.USER, b"USER " + username.encode())
            case LogInByDigest(username, digest):
                line = b"APOP " + username.encode() + b" " + digest.reveal().encode()
                return self._line(_Awaiting.APOP, line)
            case Proceed():
                line = b"PASS " + self._password.reveal()
                self._forget_password()
                return self._line(_Awaiting.PASS, line)

    def _authenticate(self, mechanism: str, initial: SecretBytes | None) -> bytes:
        line = b"AUTH " + mechanism.encode("ascii")
        if initial is not None:
            # RFC 5034 section 4: "=" stands for an empty initial response.
            line += b" " + (base64.b64encode(initial.reveal()) or b"=")
        return self._line(_Awaiting.AUTH, line)

    def _forget_password(self) -> None:
        self._password = SecretBytes(b"")

    def _line(self, awaiting: _Awaiting, line: bytes) -> bytes:
        self._awaiting = awaiting
        return line + CRLF

    def read(self, line: bytes, *, is_secured: bool) -> Reply | None:  # noqa: ARG002 - IMAP's alone
        """Take one line; return the reply that it completes, if it does.

        Raises: ProtocolError for a line that is no reply, or one that nothing has asked for.
        """
        if self._listing is not None:
            return self._read_listing(self._listing, line)
        awaiting, self._awaiting = self._awaiting, self._next
        self._next = _Awaiting.NOTHING
        reply = parse_reply(line)
        if isinstance(reply, Continuation):
            return _read_continuation(awaiting, reply)
        return self._read_ok(awaiting, reply) if reply.is_ok else self._read_err(awaiting, reply)

    def _read_listing(self, listing: list[bytes], line: bytes) -> Reply | None:
        if line != TERMINATOR:
            listing.append(unstuffed(line))
            return None
        self._listing = None
        self._capabilities = parse_capa(listing)
        return Reply(Kind.OK, capabilities=self._capabilities)

    def _read_ok(self, awaiting: _Awaiting, status: Status) -> Reply | None:
        if awaiting is _Awaiting.NOTHING:
            raise ProtocolError("the server answered a command that we did not send")
        if awaiting is _Awaiting.CAPA:
            self._listing = []
            return None
        if awaiting is _Awaiting.USER:
            return Reply(Kind.CONTINUE)
        if awaiting in _LOGINS:
            # RFC 2449 section 6: of what is listed before login inside TLS only the arguments of
            # EXPIRE and LOGIN-DELAY may differ after it. So nothing is asked again.
            return Reply(Kind.OK, capabilities=self._capabilities, words=status.words)
        challenge = timestamp(status.text) if awaiting is _Awaiting.GREETING else b""
        return Reply(Kind.OK, words=status.words, challenge=challenge)

    def _read_err(self, awaiting: _Awaiting, status: Status) -> Reply:
        self._forget_password()
        if awaiting in (_Awaiting.GREETING, _Awaiting.NOTHING):
            # Servers take their leave like this: too busy, or nothing said for too long.
            return Reply(Kind.BYE, words=status.words)
        if awaiting is _Awaiting.CAPA:
            # RFC 2449 is an extension; a server without it can do what RFC 1939 says.
            self._capabilities = frozenset()
            return Reply(Kind.OK, capabilities=self._capabilities)
        return Reply(Kind.NO, words=status.words)

    def mechanisms(self, capabilities: frozenset[str]) -> frozenset[str]:
        """Return the names behind SASL (RFC 5034 section 3)."""
        return arguments(capabilities, "SASL") or frozenset()

    def has_login_command(self, capabilities: frozenset[str]) -> bool:
        """Return whether USER is listed (RFC 2449 section 6.2), or nothing at all (RFC 1939)."""
        return not capabilities or "USER" in capabilities

    def login_takes_utf8(self, capabilities: frozenset[str]) -> bool:
        """Return whether UTF8 is listed with its argument USER (RFC 6856 section 2.2)."""
        return "USER" in (arguments(capabilities, "UTF8") or ())

    def offers_utf8(self, capabilities: frozenset[str]) -> bool:
        """Return whether UTF8 is listed (RFC 6856 section 2)."""
        return arguments(capabilities, "UTF8") is not None

    def may_confirm(self, capabilities: frozenset[str]) -> bool:
        """Return whether PIPELINING is listed (RFC 2449 section 6.6)."""
        return "PIPELINING" in capabilities

    def takes_initial_response(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - always
        """Return True: whoever knows AUTH knows it with an initial response (RFC 5034)."""
        return True

    def carries_initial_response(self, mechanism: str, size: int) -> bool:
        """Return whether the command stays within 255 octets (RFC 5034 section 4)."""
        encoded = 4 * ((size + 2) // 3) or len(b"=")
        length = len(b"AUTH ") + len(mechanism) + len(b" ") + encoded + len(CRLF)
        return length <= limits.POP3_COMMAND_BYTES

    def forget(self) -> None:
        """Drop what was said before TLS."""
        self._forget_password()
        self._next = _Awaiting.NOTHING
        self._capabilities = None
        self._listing = None


def _read_continuation(awaiting: _Awaiting, reply: Continuation) -> Reply:
    if awaiting is not _Awaiting.AUTH:
        raise ProtocolError("the server asked for more, and there is no more")
    return Reply(Kind.CONTINUE, challenge=decode_base64(reply.text))
