"""The IMAP dialect of the login dialogue (RFC 9051, RFC 3501, RFC 4959). No I/O here."""

from __future__ import annotations

import base64
from typing import Final

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
from securemail.secret import SecretBytes
from securemail.wire.buffer import CRLF
from securemail.wire.imap import Condition, Continuation, Data, Status, parse_response, quoted
from securemail.wire.text import decode_base64, parse_capabilities, words

_KINDS: Final = {
    Condition.OK: Kind.OK,
    Condition.NO: Kind.NO,
    Condition.BAD: Kind.NO,
    Condition.PREAUTH: Kind.PREAUTH,
    Condition.BYE: Kind.BYE,
}


class IMAPDialect:
    """Writes tagged commands and reads what answers them.

    `tag_prefix` should be random: an attacker who cannot guess a tag cannot prepare its answer.
    """

    __slots__ = (
        "_count",
        "_is_greeted",
        "_is_sasl",
        "_learnt",
        "_next_tag",
        "_parts",
        "_prefix",
        "_tag",
    )

    def __init__(self, tag_prefix: str) -> None:
        self._prefix = tag_prefix.encode("ascii")
        self._count = 0
        self._tag: bytes | None = None
        self._next_tag: bytes | None = None
        self._is_greeted = False
        self._is_sasl = False
        self._learnt: frozenset[str] | None = None
        self._parts: list[SecretBytes] = []

    def encode(self, command: Command, *, is_open: bool) -> bytes:
        """Return the line for `command`."""
        match command:
            case Respond(response):
                return base64.b64encode(response.reveal()) + CRLF
            case Proceed():
                return self._parts.pop(0).reveal() + CRLF
            case CancelExchange():
                return b"*" + CRLF
            case Discover():
                return self._tagged(b"CAPABILITY")
            case StartTLS():
                return self._tagged(b"STARTTLS")
            case Authenticate(mechanism, initial):
                return self._authenticate(mechanism, initial)
            case ConfirmAndAuthenticate(authenticate):
                # RFC 9051 section 5.5: neither of the two changes what the other one means.
                ask, asked = self.encode(Discover(), is_open=is_open), self._tag
                line = self.encode(authenticate, is_open=is_open)
                self._tag, self._next_tag = asked, self._tag
                return ask + line
            case LogIn(username, password):
                self._is_sasl = False
                first, *rest = _login(username, password.reveal())
                self._parts = [SecretBytes(part) for part in rest]
                return self._tagged(first)
            case LogInByDigest() | EnableUTF8():
                reason = "IMAP has no APOP, and ENABLE after the login"
                raise UsageError(reason, field=type(command).__name__)

    def _authenticate(self, mechanism: str, initial: SecretBytes | None) -> bytes:
        self._is_sasl = True
        line = b"AUTHENTICATE " + mechanism.encode("ascii")
        if initial is not None:
            # RFC 4959 section 3: "=" stands for an empty initial response.
            line += b" " + (base64.b64encode(initial.reveal()) or b"=")
        return self._tagged(line)

    def _tagged(self, line: bytes) -> bytes:
        self._count += 1
        self._tag = b"%s%d" % (self._prefix, self._count)
        self._learnt = None
        return b"%s %s\r\n" % (self._tag, line)

    def read(self, line: bytes, *, is_secured: bool) -> Reply | None:
        """Take one line; return the reply that it completes, if it does.

        Raises: ProtocolError for a tag that is not ours, for mailbox data in cleartext, for data
        where the greeting belongs (RFC 9051 section 7.1), and for a line that is no response.
        """
        response = parse_response(line)
        if isinstance(response, Data) and not self._is_greeted:
            raise ProtocolError(f"the server sent {words(response.name)!r} instead of a greeting")
        match response:
            case Continuation(text):
                return self._read_continuation(text)
            case Data(b"CAPABILITY", rest):
                self._learnt = parse_capabilities(rest.split())
                return None
            case Data(name, _):
                if not is_secured:
                    raise ProtocolError(f"the server sent {words(name)!r} in cleartext")
                return None
            case Status():
                return self._read_status(response)

    def _read_continuation(self, text: bytes) -> Reply:
        if self._is_sasl:
            return Reply(Kind.CONTINUE, challenge=decode_base64(text))
        if not self._parts:
            raise ProtocolError("the server asked for more, and there is no more")
        return Reply(Kind.CONTINUE)

    def _read_status(self, status: Status) -> Reply | None:
        if status.tag is not None:
            return self._read_tagged(status)
        if not self._is_greeted:
            return self._read_greeting(status)
        if status.condition is Condition.BYE:
            return self._reply(status)
        self._read_remark(status)
        return None

    def _read_greeting(self, status: Status) -> Reply:
        if status.condition in (Condition.NO, Condition.BAD):
            raise ProtocolError(f"the server greeted with {status.condition.name}: {status.words}")
        self._is_greeted = True
        return self._reply(status)

    def _read_tagged(self, status: Status) -> Reply:
        if status.tag != self._tag:
            raise ProtocolError("the server answered a command that we did not send")
        self._tag, self._next_tag = self._next_tag, None
        self._parts.clear()
        return self._reply(status)

    def _reply(self, status: Status) -> Reply:
        learnt = self._learnt if status.capabilities is None else status.capabilities
        self._learnt = None
        return Reply(_KINDS[status.condition], capabilities=learnt, words=status.words)

    def _read_remark(self, status: Status) -> None:
        """Take `* OK ...` between greeting and reply: only its capabilities mean anything to us.

        Alerts and referrals are not passed on: before TLS they are anybody's words (RFC 9051 11.1),
        and after it nothing before login needs them.
        """
        if status.condition is Condition.PREAUTH:
            raise ProtocolError("the server said PREAUTH after its greeting")
        if status.capabilities is not None:
            self._learnt = status.capabilities

    def mechanisms(self, capabilities: frozenset[str]) -> frozenset[str]:
        """Return the names behind `AUTH=` (RFC 9051 section 7.2.2)."""
        return frozenset(
            name.removeprefix("AUTH=") for name in capabilities if name.startswith("AUTH=")
        )

    def has_login_command(self, capabilities: frozenset[str]) -> bool:
        """Return whether LOGINDISABLED is absent (RFC 9051 section 6.2.3)."""
        return "LOGINDISABLED" not in capabilities

    def login_takes_utf8(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - as literals
        """Return True: a literal has any octets."""
        return True

    def offers_utf8(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - none
        """Return False: ENABLE UTF8=ACCEPT comes after the login (RFC 6855)."""
        return False

    def may_confirm(self, capabilities: frozenset[str]) -> bool:  # noqa: ARG002 - tags tell
        """Return True: each answer says to which command it is."""
        return True

    def takes_initial_response(self, capabilities: frozenset[str]) -> bool:
        """Return whether the server has SASL-IR (RFC 4959)."""
        return "SASL-IR" in capabilities

    def carries_initial_response(self, mechanism: str, size: int) -> bool:  # noqa: ARG002 - any
        """Return True: no line of IMAP has a limit that a token would reach."""
        return True

    def forget(self) -> None:
        """Drop what was said before TLS."""
        self._learnt = None
        self._tag = self._next_tag = None
        self._parts.clear()


def _login(username: str, password: str) -> list[bytes]:
    """Return the LOGIN command cut where the server must ask for a literal (RFC 9051 4.3)."""
    parts = [b"LOGIN"]
    for text in (username, password):
        data = quoted(text)
        if data is not None:
            parts[-1] += b" " + data
        else:
            parts[-1] += b" {%d}" % len(text.encode())
            parts.append(text.encode())
    return parts
