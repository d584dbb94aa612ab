"""What may be said in the dialogue from greeting to login, and what follows from it.

Commands, replies and events are values; which may follow which is in two tables, the same for
IMAP, POP3 and submission. No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final, Protocol

from securemail.intent import Intent
from securemail.secret import Secret, SecretBytes


class State(Enum):
    """Whose turn it is, and in what."""

    GREETING = "greeting"
    READY = "ready"
    DISCOVERING = "discovering"
    CONFIRMING = "confirming"
    ENABLING = "enabling"
    UPGRADING = "upgrading"
    HANDSHAKING = "handshaking"
    AUTHENTICATING = "authenticating"
    CHALLENGED = "challenged"
    AUTHENTICATED = "authenticated"
    CLOSED = "closed"


# --- what we say


@dataclass(frozen=True, slots=True)
class Discover:
    """Ask for the capabilities."""

    intent: ClassVar[Intent] = Intent.DISCOVER


@dataclass(frozen=True, slots=True)
class StartTLS:
    """Ask for TLS."""

    intent: ClassVar[Intent] = Intent.UPGRADE


@dataclass(frozen=True, slots=True)
class EnableUTF8:
    """Ask for UTF-8 mode, where that is done before the login (RFC 6856 section 2.1)."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Begin a SASL exchange. An empty initial response is not the same as none (RFC 4422)."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE
    mechanism: str
    initial: SecretBytes | None


@dataclass(frozen=True, slots=True)
class ConfirmAndAuthenticate:
    """Ask for the capabilities and, in the same flight, begin the SASL exchange they allowed once.

    The answer is `Discovered`, for the caller to compare, and then that to `Authenticate`.
    """

    intent: ClassVar[Intent] = Intent.AUTHENTICATE
    authenticate: Authenticate


@dataclass(frozen=True, slots=True)
class LogIn:
    """Log in with the protocol's own command instead of SASL."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class LogInByDigest:
    """Log in with POP3's APOP (RFC 1939 section 7)."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE
    username: str
    digest: Secret


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer a challenge."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE
    response: SecretBytes


@dataclass(frozen=True, slots=True)
class Proceed:
    """Send the next part of `LogIn`, where the server wants it in parts."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE


@dataclass(frozen=True, slots=True)
class CancelExchange:
    """End a SASL exchange from our side."""

    intent: ClassVar[Intent] = Intent.AUTHENTICATE


Command = (
    Discover
    | StartTLS
    | EnableUTF8
    | Authenticate
    | ConfirmAndAuthenticate
    | LogIn
    | LogInByDigest
    | Respond
    | Proceed
    | CancelExchange
)

# Which command may follow in which state, and where it leads.
COMMANDS: Final[dict[tuple[State, type[Command]], State]] = {
    (State.READY, Discover): State.DISCOVERING,
    (State.READY, StartTLS): State.UPGRADING,
    (State.READY, EnableUTF8): State.ENABLING,
    (State.READY, Authenticate): State.AUTHENTICATING,
    (State.READY, ConfirmAndAuthenticate): State.CONFIRMING,
    (State.READY, LogIn): State.AUTHENTICATING,
    (State.READY, LogInByDigest): State.AUTHENTICATING,
    (State.CHALLENGED, Respond): State.AUTHENTICATING,
    (State.CHALLENGED, Proceed): State.AUTHENTICATING,
    (State.CHALLENGED, CancelExchange): State.AUTHENTICATING,
}


# --- what the server says


class Kind(Enum):
    """What a whole reply amounts to, in any of the protocols."""

    OK = "ok"
    NO = "no"
    CONTINUE = "continue"
    PREAUTH = "preauth"
    BYE = "bye"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: its kind, capabilities if it carried any, words, and a challenge.

    The challenge of a greeting is POP3's timestamp.
    """

    kind: Kind
    capabilities: frozenset[str] | None = None
    words: str = ""
    challenge: bytes = b""


@dataclass(frozen=True, slots=True)
class Greeted:
    """The server said hello."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """The server listed its capabilities: `machine.capabilities`."""


@dataclass(frozen=True, slots=True)
class UpgradeAgreed:
    """The server waits for our ClientHello, and nothing follows its reply."""


@dataclass(frozen=True, slots=True)
class UTF8Enabled:
    """The session is in UTF-8 mode from now on: `machine.is_utf8`."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server waits for `Respond`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The login worked (or, inside TLS, the greeting said it was not needed)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server said no, in these words."""

    words: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The server is closing the connection, in these words."""

    words: str


Event = (
    Greeted | Discovered | UpgradeAgreed | UTF8Enabled | Challenge | LoggedIn | Refused | Goodbye
)

# What a reply may do to us. What is missing here is the server's fault and closes the connection.
TRANSITIONS: Final = {
    (State.GREETING, Kind.OK): State.READY,
    (State.GREETING, Kind.PREAUTH): State.AUTHENTICATED,
    (State.GREETING, Kind.BYE): State.CLOSED,
    (State.READY, Kind.BYE): State.CLOSED,
    (State.DISCOVERING, Kind.OK): State.READY,
    (State.DISCOVERING, Kind.NO): State.READY,
    (State.DISCOVERING, Kind.BYE): State.CLOSED,
    (State.CONFIRMING, Kind.OK): State.AUTHENTICATING,
    (State.CONFIRMING, Kind.BYE): State.CLOSED,
    (State.ENABLING, Kind.OK): State.READY,
    (State.ENABLING, Kind.NO): State.READY,
    (State.ENABLING, Kind.BYE): State.CLOSED,
    (State.UPGRADING, Kind.OK): State.HANDSHAKING,
    (State.UPGRADING, Kind.NO): State.READY,
    (State.UPGRADING, Kind.BYE): State.CLOSED,
    (State.AUTHENTICATING, Kind.CONTINUE): State.CHALLENGED,
    (State.AUTHENTICATING, Kind.OK): State.AUTHENTICATED,
    (State.AUTHENTICATING, Kind.NO): State.READY,
    (State.AUTHENTICATING, Kind.BYE): State.CLOSED,
    (State.CHALLENGED, Kind.BYE): State.CLOSED,
}


class Dialect(Protocol):
    """How one protocol writes commands and reads replies."""

    def encode(self, command: Command, *, is_open: bool) -> bytes:
        """Return the line for `command`, and expect its reply from now on.

        `is_open` tells whether it may say who we are, where it need not.
        """

    def read(self, line: bytes, *, is_secured: bool) -> Reply | None:
        """Take one line; return the reply that it completes, if it does."""

    def mechanisms(self, capabilities: frozenset[str]) -> frozenset[str]:
        """Return the SASL mechanisms among `capabilities`."""

    def has_login_command(self, capabilities: frozenset[str]) -> bool:
        """Return whether `LogIn` may be sent."""

    def login_takes_utf8(self, capabilities: frozenset[str]) -> bool:
        """Return whether `LogIn` may hold a name or a password that is not ASCII."""

    def offers_utf8(self, capabilities: frozenset[str]) -> bool:
        """Return whether `EnableUTF8` may be sent."""

    def may_confirm(self, capabilities: frozenset[str]) -> bool:
        """Return whether `ConfirmAndAuthenticate` may be sent to a server that had these."""

    def takes_initial_response(self, capabilities: frozenset[str]) -> bool:
        """Return whether `Authenticate` may carry the initial response."""

    def carries_initial_response(self, mechanism: str, size: int) -> bool:
        """Return whether one of `size` octets fits into the command."""

    def forget(self) -> None:
        """Drop all that was learnt so far."""
